#include "common/clock.h"

#include <time.h>

static int64_t
clock_read_us(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now); /* cannot fail for the ids used here */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_wall_ms(void)
{
    return clock_read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t
clock_boot_us(void)
{
    return clock_read_us(CLOCK_BOOTTIME);
}
