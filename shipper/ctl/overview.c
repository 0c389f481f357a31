#include "shipper/ctl/overview.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <sys/statvfs.h>

/* The time of the first entry at or behind @from. */
static int
find_oldest(const struct walk *walk, struct spool_position from, int64_t *ts)
{
    const struct walk_segment *segment = NULL;
    int r = 0;

    for (*ts = 0; !r && !*ts && (segment = walk_next(walk, segment));) {
        struct walk_lines lines;
        struct line_item item;

        if (segment->number < from.segment)
            continue;
        r = walk_lines_open(&lines, walk->dirfd, segment,
                            segment->number == from.segment ? from.offset : 0,
                            segment->end);
        if (r < 0)
            return r;
        do
            r = line_reader_next(&lines.reader, &item);
        while (r > 0 && !item.bytes);
        if (r > 0)
            *ts = line_ts(item.bytes);
        walk_lines_close(&lines);
        r = r < 0 ? r : 0;
    }
    return r;
}

static int
look_at_spool(struct overview *overview, const struct ctl *ctl)
{
    struct spool_position from = overview->shipped.checkpoint.position;
    struct walk walk;
    int r;

    r = walk_open(&walk, ctl->dirfd);
    if (r)
        return r;
    overview->ingest_lives = walk.ingest_lives;
    for (size_t i = 0; i < walk.count; i++)
        overview->segments += walk.segments[i].state != WALK_VOID;
    overview->bytes = walk_bytes(&walk, (struct spool_position){0});
    overview->unshipped_bytes = walk_bytes(&walk, from);
    r = find_oldest(&walk, from, &overview->oldest_unshipped);
    walk_close(&walk);
    /* It was shipped and removed while we looked. */
    return r == -ENOENT ? 0 : r;
}

static int
look_at_disk(struct overview *overview, const struct ctl *ctl)
{
    uint64_t reserve = 2 * (uint64_t)ctl->settings.spool.segment_size;
    struct statvfs disk;

    if (fstatvfs(ctl->dirfd, &disk) < 0)
        return -errno;
    overview->free_bytes = disk.f_bavail * disk.f_frsize;
    overview->free_least = (uint64_t)ctl->settings.spool.min_free;
    if (overview->free_least < reserve)
        overview->free_least = reserve;
    return 0;
}

int
overview_read(struct overview *overview, const struct ctl *ctl)
{
    int code, r;

    *overview = (struct overview){.now_ms = clock_wall_ms()};
    code = shipped_read(&overview->shipped, ctl);
    if (!code)
        code = pulse_read(&overview->pulse, ctl);
    if (code)
        return code;
    overview->shipper_lives = fileio_locked(ctl->dirfd, SPOOL_SHIPPER_LOCK);
    r = look_at_spool(overview, ctl);
    if (!r)
        r = look_at_disk(overview, ctl);
    if (!r)
        r = letters_read(&overview->letters, ctl->dirfd,
                         &overview->shipped.checkpoint);
    return r ? ctl_fail(ctl, "the spool cannot be read", r) : 0;
}

void
overview_ask(struct overview *overview, const struct ctl *ctl)
{
    if (overview->ingest_lives)
        door_ask(&overview->door, ctl);
    ends_read(&overview->ends, ctl);
}

void
overview_deinit(struct overview *overview)
{
    shipped_deinit(&overview->shipped);
    pulse_deinit(&overview->pulse);
}
