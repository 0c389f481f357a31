#include "common/uuid.h"

#include "common/hex.h"

#include <stdlib.h>
#include <sys/random.h>

/* Is there a hyphen before this byte? */
static bool
hyphen_before(int i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void
uuid_print(char text[UUID_SIZE], const uint8_t id[16])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (hyphen_before(i))
            *text++ = '-';
        *text++ = digits[id[i] >> 4];
        *text++ = digits[id[i] & 15];
    }
    *text = '\0';
}

bool
uuid_parse(uint8_t id[16], const char *text)
{
    for (int i = 0; i < 16; i++) {
        int high, low;

        if (hyphen_before(i) && *text++ != '-')
            return false;
        high = hex_digit(text[0]);
        low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

void
uuid_make(char text[UUID_SIZE])
{
    uint8_t id[16];

    /* Of so few bytes it gives all (getrandom(2)). */
    if (getrandom(id, sizeof(id), 0) != sizeof(id))
        abort();
    id[6] = (uint8_t)(0x40 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    uuid_print(text, id);
}
