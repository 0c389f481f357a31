#include "shipper/own_entry.h"

#include "common/buf.h"
#include "common/line.h"

#include <stdlib.h>
#include <sys/random.h>

/* A random UUID (RFC 9562, version 4). */
static void
append_uuid(struct buf *out)
{
    unsigned char id[16];

    if (getrandom(id, sizeof(id), 0) != sizeof(id))
        abort(); /* only before the kernel has any, at boot */
    id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
    id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(id); i++)
        (void)buf_printf(out,
                         i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x"
                                                               : "%02x",
                         id[i]);
}

void
own_entry_begin(struct buf *out, const char *action)
{
    buf_clear(out);
    (void)buf_puts(out, LINE_PREFIX "\"eventId\":\"");
    append_uuid(out);
    (void)buf_printf(out, "\",\"logCategory\":\"clickspool\",\"action\":\"%s\"",
                     action);
}

struct slice
own_entry_end(struct buf *out, int64_t ts)
{
    (void)buf_puts(out, "}\n");
    if (out->failed)
        return (struct slice){NULL, 0};
    line_seal(out->data, out->len, ts);
    return (struct slice){out->data, out->len - 1};
}
