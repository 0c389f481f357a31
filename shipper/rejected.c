#include "shipper/rejected.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/log.h"
#include "shipper/batch.h"
#include "shipper/cwlogs.h"
#include "shipper/dead_letter.h"

#include <errno.h>
#include <unistd.h>

/* Entries are read in order, so one open segment serves a run of them. */
struct source {
    int dirfd, fd;
    uint64_t segment;
    struct buf line;
};

static int
read_entry(struct source *source, const struct batch_entry *entry)
{
    struct buf *line = &source->line;
    ssize_t n;
    int r;

    if (source->fd < 0 || source->segment != entry->position.segment) {
        if (source->fd >= 0)
            (void)close(source->fd);
        source->segment = entry->position.segment;
        source->fd = spool_open_segment(source->dirfd, source->segment);
        if (source->fd < 0)
            return source->fd;
    }
    buf_clear(line);
    r = buf_reserve(line, entry->len);
    if (r < 0)
        return r;
    n = fileio_read_at(source->fd, line->data, entry->len,
                       entry->position.offset);
    if (n < 0)
        return (int)n;
    line->len = (size_t)n;
    return line->len == entry->len ? 0 : -EIO;
}

static int
bury_one(struct source *source, struct dead_letter *dead,
         const struct batch *batch, const struct cwlogs_rejected *rejected,
         size_t index)
{
    const struct batch_entry *entry = &batch->entries[index];
    int r = read_entry(source, entry);

    if (r < 0)
        return r;
    return dead_letter_add(
        dead, cwlogs_why(rejected, index), entry->position,
        (struct slice){source->line.data, source->line.len}, clock_wall_ms());
}

int
rejected_bury(struct dead_letter *dead, int dirfd, const struct batch *batch,
              const struct cwlogs_rejected *rejected, const char *stream)
{
    struct source source = {.dirfd = dirfd, .fd = -1};
    int r = 0;

    buf_init(&source.line, LINE_LEN_MAX);
    for (size_t i = 0; !r && i < batch->count; i++)
        if (i < rejected->head || i >= rejected->tail)
            r = bury_one(&source, dead, batch, rejected, i);
    if (source.fd >= 0)
        (void)close(source.fd);
    buf_deinit(&source.line);
    if (!r)
        r = dead_letter_sync(dead);
    if (r)
        return r;
    log_warning("entries_rejected", log_text("stream", stream),
                log_int("too_old_or_expired", (int64_t)rejected->head),
                log_int("too_new",
                        (int64_t)(batch->count - rejected->tail)),
                log_text("next", "they are among the dead letters"), );
    return 0;
}
