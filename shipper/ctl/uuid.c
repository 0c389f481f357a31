#include "shipper/ctl/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void
uuid_make(char text[UUID_SIZE])
{
    unsigned char bytes[16];

    /* Of so few bytes it gives all (getrandom(2)). */
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        abort();
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    for (unsigned i = 0, at = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        (void)snprintf(text + at, UUID_SIZE - at, "%02x", bytes[i]);
        at += 2;
    }
}
