#include "ingest/takeover.h"

#include "common/checkpoint.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/line_reader.h"
#include "common/log.h"
#include "common/recover.h"
#include "common/spool.h"
#include "common/uuid.h"
#include "ingest/seen.h"
#include "ingest/spool_writer.h"

#include <errno.h>
#include <unistd.h>

/* Return: 0 with *@entries, SPOOL_VOID, SPOOL_UNKNOWN or an errno. */
static int
sync_segment(int dirfd, uint64_t number, uint64_t *entries)
{
    struct spool_control control;
    int fd, r;

    fd = spool_open_segment(dirfd, number);
    if (fd < 0)
        return fd;
    r = spool_control_read(fd, &control);
    *entries = control.entries;
    if (!r)
        r = fileio_sync(fd);
    (void)close(fd);
    return r;
}

/* The highest segment that holds something, and what was before it. */
static int
find_last(int dirfd, const struct spool_list *list, const struct synced *synced,
          struct spool_writer_start *start)
{
    struct recovered recovered;
    uint64_t entries = 0;
    int r = SPOOL_VOID;
    size_t i = list->count;

    while (r == SPOOL_VOID && i > 0)
        r = sync_segment(dirfd, list->numbers[--i], &entries);
    if (r == SPOOL_VOID)
        return 0; /* no segment at all, or none that was ever begun */
    if (!r)
        r = fileio_sync(dirfd);
    if (!r)
        r = recover_end(dirfd, list->numbers[i], synced, &recovered);
    if (r)
        return r == SPOOL_UNKNOWN ? -EPROTO : r;

    start->prev = list->numbers[i];
    start->prev_end = recovered.end;
    start->entries = entries + recovered.entries;
    start->last_ts = recovered.last_ts;
    return 0;
}

int
takeover_find(int dirfd, const struct synced *synced,
              struct spool_writer_start *start)
{
    struct checkpoint checkpoint;
    struct spool_list list;
    uint64_t highest;
    int r;

    *start = (struct spool_writer_start){0};
    r = spool_list_read(&list, dirfd);
    if (r < 0)
        return r;
    highest = list.count ? list.numbers[list.count - 1] : 0;
    r = find_last(dirfd, &list, synced, start);
    spool_list_deinit(&list);
    if (r < 0)
        return r;

    /* Segments deleted by hand: their numbers, and the entries that were
     * shipped from them, are not given out again. */
    r = checkpoint_read(&checkpoint, dirfd);
    if (r == CHECKPOINT_UNKNOWN)
        return -EPROTO;
    if (r == 0) {
        if (checkpoint.position.segment > highest)
            highest = checkpoint.position.segment;
        if (!start->prev)
            start->entries = checkpoint.counts.delivered +
                             checkpoint.counts.dead + checkpoint.counts.dropped;
        checkpoint_deinit(&checkpoint);
    }
    start->number = highest + 1;
    return 0;
}

static void
read_segment_ids(int fd, uint64_t from, uint64_t end, struct seen *seen,
                 int64_t now_ms)
{
    struct line_reader reader;
    struct line_item item;
    uint8_t id[16];

    line_reader_init(&reader, fd, from, end);
    while (line_reader_next(&reader, &item) > 0) {
        const char *text =
            item.bytes ? line_event_id(item.bytes, item.len) : NULL;

        if (text && uuid_parse(id, text) &&
            line_ts(item.bytes) > now_ms - (int64_t)SEEN_AGE_S * 1000)
            (void)seen_add(seen, id, line_ts(item.bytes) / 1000);
    }
    line_reader_deinit(&reader);
}

/* A segment's ids, where they can be among the newest SEEN_MAX. */
static int
read_ids(int dirfd, const struct spool_list *list, uint64_t number,
         const struct spool_writer_start *start, struct seen *seen,
         int64_t now_ms)
{
    struct spool_control control, next;
    uint64_t successor, end, after;
    int fd, r;

    fd = spool_open_segment(dirfd, number);
    if (fd < 0)
        return fd;
    r = spool_control_read(fd, &control);
    if (r)
        goto out;

    r = spool_successor(dirfd, list, number, &successor, &next);
    if (r < 0)
        goto out;
    end = r == 1 ? next.prev_end : start->prev_end;
    after = r == 1 ? next.entries : start->entries;
    r = 0;
    if (start->entries - after < SEEN_MAX)
        read_segment_ids(fd, control.len, end, seen, now_ms);

out:
    (void)close(fd);
    return r < 0 ? r : 0;
}

int
takeover_read_ids(int dirfd, const struct spool_writer_start *start,
                  struct seen *seen, int64_t now_ms)
{
    struct spool_list list;
    int r;

    r = spool_list_read(&list, dirfd);
    for (size_t i = 0; !r && i < list.count && list.numbers[i] <= start->prev;
         i++)
        r = read_ids(dirfd, &list, list.numbers[i], start, seen, now_ms);
    spool_list_deinit(&list);
    return r;
}
