#include "ingest/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct {
    uint8_t bytes[4096];
    size_t left;
} pool;

static void
pool_fill(void)
{
    size_t have = 0;

    while (have < sizeof(pool.bytes)) {
        ssize_t n = getrandom(pool.bytes + have, sizeof(pool.bytes) - have, 0);

        if (n < 0 && errno != EINTR)
            abort(); /* every kernel we run on has it */
        if (n > 0)
            have += (size_t)n;
    }
    pool.left = sizeof(pool.bytes);
}

void
ids_random(void *bytes, size_t len)
{
    char *out = bytes;

    while (len) {
        size_t n;

        if (!pool.left)
            pool_fill();
        n = len < pool.left ? len : pool.left;
        memcpy(out, pool.bytes + sizeof(pool.bytes) - pool.left, n);
        pool.left -= n;
        out += n;
        len -= n;
    }
}

void
ids_uuid7(uint8_t id[16], int64_t now_ms)
{
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    ids_random(id + 6, 10);
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f)); /* version 7 */
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f)); /* RFC 9562's variant */
}
