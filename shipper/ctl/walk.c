#include "shipper/ctl/walk.h"

#include "common/fileio.h"
#include "common/line.h"
#include "common/recover.h"
#include "common/synced.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPEN_TRIES = 20 };

static int
look_at(struct walk *walk, uint64_t number)
{
    struct walk_segment *segment = &walk->segments[walk->count];
    int64_t size;
    int fd, r;

    fd = spool_open_segment(walk->dirfd, number);
    if (fd < 0)
        return fd;
    *segment = (struct walk_segment){.number = number};
    r = spool_control_read(fd, &segment->control);
    if (r == SPOOL_VOID) {
        segment->control = (struct spool_control){0};
        segment->headless = true;
        r = 0;
    }
    /* The size is read last: the line above lies within it. */
    size = fileio_size(fd);
    (void)close(fd);
    if (size < 0)
        return (int)size;
    segment->size = (uint64_t)size;
    if (!r)
        walk->count++;
    return r;
}

static int
look_at_all(struct walk *walk)
{
    struct spool_list list;
    int r;

    r = spool_list_read(&list, walk->dirfd);
    if (r < 0)
        return r;
    walk->segments = calloc(list.count + 1, sizeof(*walk->segments));
    r = walk->segments ? 0 : -ENOMEM;
    for (size_t i = 0; !r && i < list.count; i++)
        r = look_at(walk, list.numbers[i]);
    spool_list_deinit(&list);
    return r;
}

/* The last good line ends what nobody else says the end of. */
static int
end_by_lines(const struct walk *walk, struct walk_segment *segment)
{
    struct recovered recovered;
    int r = recover_end(walk->dirfd, segment->number, NULL, &recovered);

    if (r)
        return r < 0 ? r : -EAGAIN;
    segment->end = recovered.end;
    return 0;
}

static int
end_of_highest(const struct walk *walk, struct walk_segment *highest,
               struct spool_position synced)
{
    highest->state = WALK_ACTIVE;
    if (synced.segment == highest->number) {
        highest->end = synced.offset;
        return 0;
    }
    /* Its writer has just made it, and acknowledged nothing yet. */
    if (walk->ingest_lives && synced.segment) {
        highest->end = highest->control.len;
        return 0;
    }
    return end_by_lines(walk, highest);
}

static struct walk_segment *
find(const struct walk *walk, uint64_t number)
{
    size_t low = 0, high = walk->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (walk->segments[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < walk->count && walk->segments[low].number == number
               ? &walk->segments[low]
               : NULL;
}

static struct walk_segment *
below_with_head(const struct walk *walk, const struct walk_segment *segment)
{
    for (size_t i = (size_t)(segment - walk->segments); i-- > 0;)
        if (!walk->segments[i].headless)
            return &walk->segments[i];
    return NULL;
}

/* Down the chain from @segment, whose own end is known. */
static int
follow_chain(struct walk *walk, struct walk_segment *segment)
{
    int r = 0;

    while (segment && !r) {
        struct walk_segment *prev = NULL;

        if (!segment->headless && segment->control.prev < segment->number)
            prev = find(walk, segment->control.prev);
        if (prev) {
            prev->state = WALK_SEALED;
            prev->end = segment->control.prev_end;
        } else {
            prev = below_with_head(walk, segment);
            if (!prev)
                break;
            segment->orphan = !segment->headless;
            prev->state = WALK_LOOSE;
            r = end_by_lines(walk, prev);
        }
        segment = prev;
    }
    return r;
}

static struct walk_segment *
highest_of(const struct walk *walk, struct spool_position synced)
{
    for (size_t i = walk->count; i-- > 0;)
        if (!walk->segments[i].headless ||
            walk->segments[i].number == synced.segment)
            return &walk->segments[i];
    return NULL;
}

/*
 * The published end is read before the files, so that it lies within them;
 * and once more where its writer turns out to be gone, as it is final then.
 */
static struct spool_position
read_synced(const struct synced *synced)
{
    struct spool_position position;

    if (!synced || synced_read(synced, &position) != 1)
        return (struct spool_position){0};
    return position;
}

/* Return: 0, -EAGAIN where the spool moved on meanwhile, or as walk_open(). */
static int
walk_once(struct walk *walk, const struct synced *synced, bool patient)
{
    struct spool_position published = read_synced(synced);
    struct walk_segment *highest;
    int r;

    r = look_at_all(walk);
    if (r)
        return r == -ENOENT ? -EAGAIN : r;
    walk->ingest_lives = fileio_locked(walk->dirfd, SPOOL_INGEST_LOCK);
    if (!walk->ingest_lives)
        published = read_synced(synced);
    walk->published = published;

    highest = highest_of(walk, published);
    if (patient && published.segment &&
        (!highest || published.segment > highest->number ||
         (published.segment == highest->number &&
          published.offset > highest->size)))
        return -EAGAIN;
    if (!highest)
        return 0;
    r = end_of_highest(walk, highest, published);
    if (!r)
        r = follow_chain(walk, highest);
    return r == -ENOENT ? -EAGAIN : r;
}

int
walk_open(struct walk *walk, int dirfd)
{
    struct synced *synced = NULL;
    int r;

    *walk = (struct walk){.dirfd = dirfd};
    r = synced_open(&synced, dirfd);
    if (r == -EPROTO)
        return SPOOL_UNKNOWN;
    if (r < 0 && r != -ENOENT)
        return r;

    r = -EAGAIN;
    for (int tries = OPEN_TRIES; r == -EAGAIN && tries > 0; tries--) {
        walk_close(walk);
        /* A page that names a lost segment must not hold us for ever. */
        r = walk_once(walk, synced, tries > 1);
    }
    synced_close(synced);
    if (r)
        walk_close(walk);
    return r;
}

void
walk_close(struct walk *walk)
{
    free(walk->segments);
    walk->segments = NULL;
    walk->count = 0;
}

const struct walk_segment *
walk_find(const struct walk *walk, uint64_t number)
{
    return find(walk, number);
}

uint64_t
walk_first(const struct walk_segment *segment)
{
    return segment->control.len;
}

const struct walk_segment *
walk_next(const struct walk *walk, const struct walk_segment *segment)
{
    size_t i = segment ? (size_t)(segment - walk->segments) + 1 : 0;

    for (; i < walk->count; i++)
        if (walk->segments[i].state != WALK_VOID)
            return &walk->segments[i];
    return NULL;
}

bool
walk_told(const struct walk *walk, const struct walk_segment *segment,
          uint64_t *entries)
{
    const struct walk_segment *next = walk_next(walk, segment);

    if (segment->state != WALK_SEALED || segment->headless || !next ||
        next->headless || next->control.entries < segment->control.entries)
        return false;
    *entries = next->control.entries - segment->control.entries;
    return true;
}

uint64_t
walk_lost(const struct walk *walk, const struct walk_segment *segment)
{
    uint64_t named = segment ? segment->control.prev : walk->published.segment;

    return named && !find(walk, named) ? named : 0;
}

uint64_t
walk_bytes(const struct walk *walk, struct spool_position from)
{
    const struct walk_segment *segment = NULL;
    uint64_t bytes = 0;

    while ((segment = walk_next(walk, segment))) {
        uint64_t start = walk_first(segment);

        if (segment->number < from.segment)
            continue;
        if (segment->number == from.segment && from.offset > start)
            start = from.offset;
        if (segment->end > start)
            bytes += segment->end - start;
    }
    return bytes;
}

int
walk_lines_open(struct walk_lines *lines, int dirfd,
                const struct walk_segment *segment, uint64_t from, uint64_t end)
{
    int fd = spool_open_segment(dirfd, segment->number);

    if (fd < 0)
        return fd;
    if (from < walk_first(segment))
        from = walk_first(segment);
    lines->fd = fd;
    line_reader_init(&lines->reader, fd, from, end);
    return 0;
}

void
walk_lines_close(struct walk_lines *lines)
{
    line_reader_deinit(&lines->reader);
    (void)close(lines->fd);
}

int
walk_count(int dirfd, const struct walk_segment *segment, uint64_t from,
           uint64_t end, struct walk_count *count)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    *count = (struct walk_count){0};
    r = walk_lines_open(&lines, dirfd, segment, from, end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        if (!item.bytes) {
            count->bad_runs++;
            count->bad_bytes += item.len;
            continue;
        }
        count->last_ts = line_ts(item.bytes);
        if (!count->entries++)
            count->first_ts = count->last_ts;
    }
    walk_lines_close(&lines);
    return r;
}
