#include "shipper/own_entry.h"

#include "common/buf.h"
#include "common/line.h"
#include "common/uuid.h"

void
own_entry_begin(struct buf *out, const char *action)
{
    char id[UUID_SIZE];

    uuid_make(id);
    buf_clear(out);
    (void)buf_printf(out,
                     LINE_PREFIX "\"eventId\":\"%s\",\"logCategory\":"
                                 "\"clickspool\",\"action\":\"%s\"",
                     id, action);
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
