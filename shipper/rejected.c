#include "shipper/rejected.h"

#include "common/clock.h"
#include "common/log.h"
#include "shipper/batch.h"
#include "shipper/cwlogs.h"
#include "shipper/dead_letter.h"
#include "shipper/entry_source.h"

static int
bury_one(struct entry_source *source, struct dead_letter *dead,
         const struct batch *batch, const struct cwlogs_rejected *rejected,
         size_t index)
{
    const struct batch_entry *entry = &batch->entries[index];
    struct slice line;
    int r = entry_source_read(source, entry->position, entry->len, &line);

    if (r < 0)
        return r;
    return dead_letter_add(dead,
                           &(struct dead_letter_why){
                               .reason = cwlogs_why(rejected, index)},
                           entry->position, line, clock_wall_ms());
}

int
rejected_bury(struct dead_letter *dead, int dirfd, const struct batch *batch,
              const struct cwlogs_rejected *rejected, const char *stream)
{
    struct entry_source source;
    int r = 0;

    entry_source_init(&source, dirfd);
    for (size_t i = 0; !r && i < batch->count; i++)
        if (i < rejected->head || i >= rejected->tail)
            r = bury_one(&source, dead, batch, rejected, i);
    entry_source_deinit(&source);
    if (!r)
        r = dead_letter_sync(dead);
    if (r)
        return r;
    log_warning("entries_rejected", log_text("stream", stream),
                log_int("too_old_or_expired", (int64_t)rejected->head),
                log_int("too_new", (int64_t)(batch->count - rejected->tail)),
                log_text("next", "they are among the dead letters"), );
    return 0;
}
