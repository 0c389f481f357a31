#include "common/jitter.h"

#include <sys/random.h>

uint32_t
jitter_bits(void)
{
    uint32_t bits = 0;

    return getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0 ? 0 : bits;
}
