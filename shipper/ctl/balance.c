#include "shipper/ctl/balance.h"

#include "common/line.h"
#include "shipper/ctl/ahead.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/retrying.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* What one segment holds. */
struct held {
    uint64_t entries;
    uint64_t pending; /* of them, not done with */
    uint64_t bad_runs;
};

void
balance_find(struct balance *balance, const char *kind, uint64_t segment,
             const char *format, ...)
{
    struct balance_finding *one;
    va_list args;

    if (balance->finding_count++ >= BALANCE_FINDINGS_MAX)
        return;
    one = &balance->findings[balance->finding_count - 1];
    one->kind = kind;
    one->segment = segment;
    va_start(args, format);
    (void)vsnprintf(one->detail, sizeof(one->detail), format, args);
    va_end(args);
}

static int
count_segment(int dirfd, const struct walk_segment *segment,
              struct ahead *ahead, struct progress *progress, struct held *held)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    *held = (struct held){0};
    r = walk_lines_open(&lines, dirfd, segment, 0, segment->end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        struct spool_position at = {segment->number, item.offset};

        progress_add(progress, item.len);
        if (!item.bytes) {
            held->bad_runs++;
            continue;
        }
        if (line_is_control(item.bytes, (size_t)item.len))
            continue;
        held->entries++;
        held->pending +=
            !ahead_settled(ahead, (struct slice){item.bytes, (size_t)item.len},
                           at);
    }
    walk_lines_close(&lines);
    return r;
}

/* Against what the next segment's first line says that it took. */
static void
compare_told(struct balance *balance, const struct walk *walk,
             const struct walk_segment *segment, const struct held *held)
{
    uint64_t told;

    if (!walk_told(walk, segment, &told))
        return;
    if (told < held->entries) {
        balance_find(balance, "count_differs", segment->number,
                     "it holds %" PRIu64 " entries, and the next segment's "
                     "first line says %" PRIu64,
                     held->entries, told);
    } else if (told > held->entries && held->bad_runs) {
        balance->in_bad_bytes += told - held->entries;
    } else if (told > held->entries) {
        balance_find(balance, "entries_missing", segment->number,
                     "%" PRIu64 " entries that it took are not in it",
                     told - held->entries);
    }
}

static void
add_accepted(struct balance *balance, const struct walk_segment *segment,
             const struct held *held)
{
    if (!segment->headless) {
        balance->accepted = balance->before = segment->control.entries;
        balance->highest = segment->number;
    }
    balance->accepted += held->entries;
}

static int
add_segment(struct balance *balance, const struct walk *walk,
            const struct walk_segment *segment, struct ahead *ahead,
            struct progress *progress)
{
    struct spool_position from = ahead->checkpoint->position;
    struct spool_position end = {segment->number, segment->end};
    struct held held;
    int r;

    if (segment->state == WALK_VOID)
        return 0;
    r = count_segment(walk->dirfd, segment, ahead, progress, &held);
    if (r == -ENOENT) {
        balance->moved |= spool_position_compare(end, from) > 0;
        return 0;
    }
    if (r < 0)
        return r;
    balance->pending += held.pending;
    balance->bad_runs += held.bad_runs;
    add_accepted(balance, segment, &held);
    compare_told(balance, walk, segment, &held);
    return 0;
}

/* Segments are removed once the checkpoint has passed them, never before. */
static void
look_for_lost(struct balance *balance, const struct walk *walk,
              const struct walk_segment *segment, const struct shipped *shipped)
{
    uint64_t lost = walk_lost(walk, segment);

    if (lost && shipped->state != SHIPPED_BROKEN &&
        lost >= shipped->checkpoint.position.segment)
        balance_find(balance, "missing_segment", lost,
                     "it is gone, and nothing says that it was shipped");
}

static void
judge_position(struct balance *balance, const struct walk *walk,
               struct spool_position position)
{
    const struct walk_segment *last = NULL, *segment = NULL;

    while ((segment = walk_next(walk, segment)))
        last = segment;
    if (last && spool_position_compare(position,
                                       (struct spool_position){last->number,
                                                               last->end}) > 0)
        balance_find(balance, "checkpoint_ahead", position.segment,
                     "the checkpoint's position, %" PRIu64 ", lies behind "
                     "the spool's end",
                     position.offset);
}

/* A spool without segments tells of nothing but what was shipped from it. */
static void
sum_up(struct balance *balance)
{
    uint64_t known = balance->counts.delivered + balance->counts.dead +
                     balance->counts.dropped + balance->pending +
                     balance->in_bad_bytes;

    if (!balance->highest)
        balance->accepted = known;
    balance->difference = (int64_t)(balance->accepted - known);
    if (balance->difference > 0)
        balance_find(balance, "unaccounted", 0,
                     "%" PRId64 " accepted entries are neither delivered nor "
                     "pending, dead or dropped",
                     balance->difference);
    else if (balance->difference < 0)
        balance_find(balance, "too_many", 0,
                     "%" PRId64 " more entries are delivered, pending, dead "
                     "or dropped than were accepted",
                     -balance->difference);
}

static int
add_retrying(struct balance *balance, int dirfd, struct ahead *ahead)
{
    int r = retrying_count(dirfd, ahead, &balance->retrying);

    balance->pending += balance->retrying;
    balance->moved |= r == RETRYING_MOVED;
    return r < 0 ? r : 0;
}

int
balance_pending(struct balance *balance, const struct walk *walk,
                const struct shipped *shipped, const struct settings *settings,
                struct progress *progress)
{
    const struct checkpoint *checkpoint = &shipped->checkpoint;
    struct ahead ahead;
    int r;

    *balance = (struct balance){.counts = checkpoint->counts};
    ahead_init(&ahead, settings, checkpoint);
    r = add_retrying(balance, walk->dirfd, &ahead);
    for (size_t i = 0; !r && i < walk->count; i++)
        if (walk->segments[i].number >= checkpoint->position.segment)
            r = add_segment(balance, walk, &walk->segments[i], &ahead,
                            progress);
    return r;
}

int
balance_make(struct balance *balance, const struct walk *walk,
             const struct shipped *shipped, const struct settings *settings,
             struct progress *progress)
{
    const struct checkpoint *checkpoint = &shipped->checkpoint;
    struct ahead ahead;
    int r;

    *balance = (struct balance){.counts = checkpoint->counts};
    ahead_init(&ahead, settings, checkpoint);
    r = add_retrying(balance, walk->dirfd, &ahead);
    for (size_t i = 0; !r && i < walk->count; i++) {
        look_for_lost(balance, walk, &walk->segments[i], shipped);
        r = add_segment(balance, walk, &walk->segments[i], &ahead, progress);
    }
    if (r)
        return r;
    look_for_lost(balance, walk, NULL, shipped);
    judge_position(balance, walk, checkpoint->position);
    if (shipped->state == SHIPPED_BROKEN)
        balance_find(balance, "checkpoint_broken", 0,
                     "nothing says what was shipped");
    sum_up(balance);
    return 0;
}
