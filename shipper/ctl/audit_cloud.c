#include "shipper/ctl/audit_cloud.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/line.h"
#include "common/timefmt.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/cwread.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

enum {
    PREFIX_MAX = 1024,
    MARGIN_MS = 10 * 60 * 1000, /* for what expires while we look */
    PAUSE_MS = 500, /* before the second look; then twice as long each time */
};

struct count {
    struct audit_cloud *cloud;
    struct ctl *ctl;
    struct aws_sync *sync;
    struct spool_position position; /* the checkpoint's */
    int64_t settled_ms;             /* a look from then on sees all */
    int64_t least_ms;               /* CloudWatch keeps nothing older */
    struct letter_index letters;
    struct progress progress;
    struct buf prefix;

    /* The group that is being gathered or looked for. */
    struct idset ids;
    int64_t first_ms, last_ms;
    int64_t covered_ms; /* up to here others were counted with earlier ones */
    bool is_last;
    uint64_t others;
};

static int
see_event(void *owner, const struct cwread_event *event)
{
    struct count *count = owner;
    const char *id = cwread_event_id(event->message);

    /* Where groups meet, what belongs to one is no stranger to the other. */
    if ((!id || !idset_see(&count->ids, id)) && event->ts > count->covered_ms &&
        (event->ts < count->last_ms || count->is_last))
        count->others++;
    progress_add(&count->progress, event->message.len);
    return 0;
}

static int
look_once(struct count *count)
{
    struct cwread_range range = {
        .group = count->ctl->settings.shipper.log_group,
        .prefix = count->prefix.data,
        .start = count->first_ms,
        .end = count->last_ms + 1,
    };
    int code;

    idset_forget(&count->ids);
    count->others = 0;
    if (count->cloud->group_missing)
        return CTL_OK;
    code = cwread_events(count->sync, &range, see_event, count);
    if (code == AWS_SYNC_MISSING) {
        count->cloud->group_missing = true;
        code = CTL_OK;
    }
    return code;
}

static void
add_sum(struct idset_sum *sum, const struct idset_sum *more)
{
    if (!sum->missing)
        memcpy(sum->first_missing, more->first_missing,
               sizeof(sum->first_missing));
    if (!sum->more)
        memcpy(sum->first_more, more->first_more, sizeof(sum->first_more));
    sum->once += more->once;
    sum->missing += more->missing;
    sum->more += more->more;
}

/* No longer than until all has to show. */
static void
wait_before_next(struct count *count, uint64_t missing, int64_t *pause_ms)
{
    int64_t left_ms = count->settled_ms - clock_wall_ms();

    if (isatty(STDERR_FILENO))
        fprintf(stderr,
                "\r%" PRIu64 " entries do not show yet; looking again\033[K",
                missing);
    if (left_ms < 0)
        left_ms = 0;
    (void)aws_sync_wait(count->sync, *pause_ms < left_ms ? *pause_ms : left_ms);
    *pause_ms *= 2;
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* The group that was gathered; then there is none. */
static int
look_for_group(struct count *count)
{
    struct idset_sum sum;
    int64_t pause_ms = PAUSE_MS, began_ms;
    int code;

    if (!count->ids.count)
        return CTL_OK;
    if (idset_sort(&count->ids) < 0)
        return ctl_fail(count->ctl, "the eventIds cannot be sorted", -ENOMEM);
    for (;;) {
        began_ms = clock_wall_ms();
        code = look_once(count);
        if (code)
            return code;
        sum = (struct idset_sum){0};
        idset_sum(&count->ids, &sum);
        if (!sum.missing || began_ms >= count->settled_ms ||
            count->cloud->group_missing)
            break;
        wait_before_next(count, sum.missing, &pause_ms);
    }
    add_sum(&count->cloud->sum, &sum);
    count->cloud->expected += count->ids.count;
    count->cloud->others += count->others;
    idset_clear(&count->ids);
    count->covered_ms = count->last_ms;
    count->first_ms = count->last_ms = 0;
    return CTL_OK;
}

/* Whether an entry has to be in CloudWatch. */
static bool
is_expected(struct count *count, const struct line_item *item,
            struct spool_position at)
{
    struct slice line = {item->bytes, (size_t)item->len}, category;
    const struct letter *letter = letter_index_at(&count->letters, at);

    if (line_is_control(line.data, line.len))
        return false;
    if (letter && letter->kind == LETTER_LINE_ENTRY) {
        count->cloud->dead++;
        return false;
    }
    if (line_ts(line.data) < count->least_ms) {
        count->cloud->expired++;
        return false;
    }
    return !jsonscan_member(line, SLICE("logCategory"), &category) ||
           !jsonvalue_equals(category, SLICE("clickspool"));
}

static int
gather(struct count *count, const struct line_item *item)
{
    const char *id = line_event_id(item->bytes, (size_t)item->len);
    int64_t ts = line_ts(item->bytes);
    int r = id ? idset_add(&count->ids, id) : -EINVAL, code;

    if (r == -EINVAL) {
        count->cloud->unreadable++;
        return CTL_OK;
    }
    if (r == -ENOBUFS) {
        code = look_for_group(count);
        return code ? code : gather(count, item);
    }
    if (r)
        return ctl_fail(count->ctl, "the eventIds cannot be kept", r);
    if (count->ids.count == 1 || ts < count->first_ms)
        count->first_ms = ts;
    if (count->ids.count == 1 || ts > count->last_ms)
        count->last_ms = ts;
    if (!count->cloud->first_ms || ts < count->cloud->first_ms)
        count->cloud->first_ms = ts;
    if (ts > count->cloud->last_ms)
        count->cloud->last_ms = ts;
    return CTL_OK;
}

/* Up to the checkpoint's position; what shipper removes meanwhile is none of
 * ours. */
static int
gather_segment(struct count *count, const struct walk *walk,
               const struct walk_segment *segment)
{
    uint64_t end = segment->end;
    struct walk_lines lines;
    struct line_item item;
    int r, code = CTL_OK;

    if (segment->number == count->position.segment &&
        count->position.offset < end)
        end = count->position.offset;
    r = walk_lines_open(&lines, walk->dirfd, segment, 0, end);
    if (r < 0)
        return r == -ENOENT
                   ? CTL_OK
                   : ctl_fail(count->ctl, "a segment cannot be read", r);
    while (!code && (r = line_reader_next(&lines.reader, &item)) > 0) {
        struct spool_position at = {segment->number, item.offset};

        progress_add(&count->progress, item.len);
        if (item.bytes && is_expected(count, &item, at))
            code = gather(count, &item);
    }
    walk_lines_close(&lines);
    if (!code && r < 0)
        code = ctl_fail(count->ctl, "a segment cannot be read", r);
    return code;
}

static int
count_all(struct count *count, const struct walk *walk)
{
    const struct walk_segment *segment = NULL;
    uint64_t bytes = walk_bytes(walk, (struct spool_position){0}) -
                     walk_bytes(walk, count->position);
    int code = CTL_OK;

    /* Once from the disk, once from CloudWatch. */
    progress_init(&count->progress, "cloudwatch", 2 * bytes, true);
    while (!code && (segment = walk_next(walk, segment)) &&
           segment->number <= count->position.segment)
        code = gather_segment(count, walk, segment);
    count->is_last = true;
    if (!code)
        code = look_for_group(count);
    progress_wipe(&count->progress);
    return code;
}

/* What the group keeps, and whether it is there. */
static int
look_at_group(struct count *count)
{
    struct cwread_group group;
    int code = cwread_group(count->sync, count->ctl->settings.shipper.log_group,
                            &group);

    if (code == AWS_SYNC_MISSING) {
        count->cloud->group_missing = true;
        return CTL_OK;
    }
    if (!code && group.retention_days)
        count->least_ms =
            clock_wall_ms() - group.retention_days * DAY_MS + MARGIN_MS;
    return code;
}

/* When all that the checkpoint has passed has to show; a clock that was set
 * back does not make us wait longer than that takes. */
static int64_t
settled_at(const struct shipped *shipped, int64_t wait_ms)
{
    const char *text = shipped->checkpoint.saved_at;
    int64_t saved_ms, now_ms = clock_wall_ms();

    if (!timefmt_parse(text, strlen(text), &saved_ms))
        return 0;
    return (saved_ms < now_ms ? saved_ms : now_ms) + wait_ms;
}

int
audit_cloud_count(struct audit_cloud *cloud, struct ctl *ctl,
                  const struct shipped *shipped)
{
    struct count count = {
        .cloud = cloud,
        .ctl = ctl,
        .position = shipped->checkpoint.position,
    };
    struct walk walk = {0};
    int code, r;

    *cloud = (struct audit_cloud){0};
    count.settled_ms = settled_at(shipped, ctl->settings.shipper.resolve_wait);
    idset_init(&count.ids, IDSET_MAX);
    buf_init(&count.prefix, PREFIX_MAX);
    cwread_prefix(&count.prefix, ctl->settings.shipper.log_stream);

    code = aws_sync_open(&count.sync, ctl);
    if (!code)
        code = look_at_group(&count);
    if (code)
        goto out;
    r = letter_index_read(&count.letters, ctl->dirfd, NULL, NULL);
    if (!r)
        r = walk_open(&walk, ctl->dirfd);
    code = r ? ctl_fail(ctl, "the segments cannot be read", r)
             : count_all(&count, &walk);
out:
    walk_close(&walk);
    letter_index_deinit(&count.letters);
    idset_deinit(&count.ids);
    buf_deinit(&count.prefix);
    aws_sync_close(count.sync);
    return code;
}
