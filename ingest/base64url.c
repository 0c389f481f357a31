#include "ingest/base64url.h"

#include <errno.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Return: its six bits, or -1. */
static int
bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

ssize_t
base64url_decode(uint8_t *out, struct slice text)
{
    uint32_t held = 0;
    unsigned count = 0; /* bits held that are no whole byte yet */
    size_t len = 0;

    if (text.len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        int bits = bits_of(text.data[i]);

        if (bits < 0)
            return -EINVAL;
        held = held << 6 | (uint32_t)bits;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[len++] = (uint8_t)(held >> count);
            held &= (1u << count) - 1;
        }
    }
    return held ? -EINVAL : (ssize_t)len;
}

void
base64url_encode(char *out, const uint8_t *bytes, size_t len)
{
    uint32_t held = 0;
    unsigned count = 0;

    for (size_t i = 0; i < len; i++) {
        held = held << 8 | bytes[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            *out++ = alphabet[held >> count & 63];
        }
        held &= (1u << count) - 1;
    }
    if (count)
        *out = alphabet[held << (6 - count) & 63];
}
