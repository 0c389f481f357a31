#include "shipper/part.h"

#include "shipper/batch.h"
#include "shipper/entry_source.h"

int
part_build(struct batch *part, const struct batch *whole, size_t from,
           size_t to, int dirfd)
{
    struct entry_source source;
    int r = 0;

    batch_clear(part);
    entry_source_init(&source, dirfd);
    for (size_t i = from; !r && i < to; i++) {
        const struct batch_entry *entry = &whole->entries[i];
        struct slice line;

        if (entry->done)
            continue;
        r = entry_source_read(&source, entry->position, entry->len, &line);
        if (!r)
            r = batch_add(part, line, entry->ts, entry->position, whole->next);
    }
    entry_source_deinit(&source);
    return r;
}
