#include "common/buf.h"
#include "common/json.h"
#include "common/line.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/duplicates.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { DETAIL_SIZE = 200 };

struct verify {
    const struct ctl *ctl;
    struct walk walk;
    struct shipped shipped;
    struct progress progress;

    uint64_t segments, entries, bytes;
    uint64_t ids; /* entries that have one, for the search of duplicates */
    uint64_t findings;
    bool corrupt;
};

static void finding(struct verify *verify, const char *kind,
                    struct spool_position at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
finding(struct verify *verify, const char *kind, struct spool_position at,
        const char *format, ...)
{
    char detail[DETAIL_SIZE], name[SPOOL_NAME_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);

    verify->findings++;
    progress_wipe(&verify->progress);
    (void)spool_name(at.segment, name);
    if (verify->ctl->json) {
        printf("{\"finding\":\"%s\",\"segment\":\"%s\",\"offset\":%" PRIu64
               ",\"detail\":",
               kind, name, at.offset);
        print_json_text(detail);
        puts("}");
    } else {
        printf("%s:%" PRIu64 ": %s%s%s: %s\n", name, at.offset,
               print_colour(PRINT_BAD), kind, print_end(), detail);
    }
}

/* Return: the entry's time, or @last where it has none that counts. */
static int64_t
check_line(struct verify *verify, const struct line_item *item,
           struct spool_position at, int64_t last)
{
    struct slice text = {item->bytes, (size_t)item->len - 1};
    int64_t ts = line_ts(item->bytes);

    if (line_is_control(item->bytes, (size_t)item->len)) {
        finding(verify, "control_line", at, "a second first line");
        return last;
    }
    verify->entries++;
    if (!jsonscan_valid(text))
        finding(verify, "bad_json", at,
                "the checksum is right, but this is no JSON");
    else if (!line_event_id(item->bytes, (size_t)item->len))
        finding(verify, "no_event_id", at, "it does not begin with eventId");
    else
        verify->ids++;
    if (ts < last)
        finding(verify, "time_falls", at,
                "%" PRId64 " ms behind the line before", last - ts);
    return ts > last ? ts : last;
}

/* A run becomes a dead letter, and all that is around it is delivered.  A first
 * line is more: it says where the segment before ends, and what was taken. */
static void
check_bad(struct verify *verify, const struct line_item *item,
          struct spool_position at)
{
    verify->corrupt |= !at.offset;
    finding(verify, "bad_bytes", at,
            "%" PRIu64 " bytes that are no line with a right checksum",
            item->len);
}

static int
check_lines(struct verify *verify, const struct walk_segment *segment,
            uint64_t *bad_runs)
{
    int64_t last = segment->control.ts;
    struct walk_lines lines;
    struct line_item item;
    int r;

    r = walk_lines_open(&lines, verify->ctl->dirfd, segment, 0, segment->end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        struct spool_position at = {segment->number, item.offset};

        progress_add(&verify->progress, item.len);
        if (item.bytes) {
            last = check_line(verify, &item, at, last);
        } else {
            check_bad(verify, &item, at);
            ++*bad_runs;
        }
    }
    walk_lines_close(&lines);
    return r;
}

/* What its successor's first line says of it. */
static void
check_count(struct verify *verify, const struct walk_segment *segment,
            uint64_t entries, uint64_t bad_runs)
{
    struct spool_position at = {segment->number, segment->end};
    uint64_t told;

    if (!walk_told(&verify->walk, segment, &told) || told == entries ||
        (bad_runs && told > entries))
        return;
    finding(verify, "count_differs", at,
            "%" PRIu64 " entries, where the next segment's first line says "
            "%" PRIu64,
            entries, told);
}

static int
check_segment(struct verify *verify, const struct walk_segment *segment)
{
    uint64_t before = verify->entries, bad_runs = 0;
    int r;

    if (segment->state == WALK_VOID)
        return 0;
    r = check_lines(verify, segment, &bad_runs);
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* shipped and removed meanwhile */
    verify->segments++;
    verify->bytes += segment->end;
    if (segment->size < segment->end) {
        verify->corrupt = true;
        finding(verify, "cut_short",
                (struct spool_position){segment->number, segment->size},
                "the file ends here, its good bytes at %" PRIu64, segment->end);
    }
    check_count(verify, segment, verify->entries - before, bad_runs);
    return 0;
}

/* Whatever was shipped wholly may be gone. */
static void
check_lost(struct verify *verify, const struct walk_segment *segment)
{
    uint64_t lost = walk_lost(&verify->walk, segment);

    if (lost && verify->shipped.state != SHIPPED_BROKEN &&
        lost >= verify->shipped.checkpoint.position.segment)
        finding(verify, "missing_segment", (struct spool_position){lost, 0},
                "it is gone, and nothing says that it was shipped");
}

static void
on_duplicate(void *owner, const struct duplicate *one)
{
    struct verify *verify = owner;
    char name[SPOOL_NAME_SIZE];
    struct buf id;

    /* Whatever bytes a hand has put there. */
    buf_init(&id, DETAIL_SIZE);
    json_escape_printable(&id, one->event_id, LINE_ID_LEN);
    (void)buf_putc(&id, '\0');
    finding(verify, "duplicate", one->again, "%.50s was at %s:%" PRIu64,
            id.failed ? "its eventId" : id.data,
            spool_name(one->first.segment, name), one->first.offset);
    buf_deinit(&id);
}

static uint64_t
spool_bytes(const struct verify *verify)
{
    return walk_bytes(&verify->walk, (struct spool_position){0});
}

static int
check_all(struct verify *verify)
{
    int r = 0;

    for (size_t i = 0; !r && i < verify->walk.count; i++) {
        check_lost(verify, &verify->walk.segments[i]);
        r = check_segment(verify, &verify->walk.segments[i]);
    }
    if (r)
        return r;
    check_lost(verify, NULL);
    verify->progress.total =
        spool_bytes(verify) *
        (1 + duplicates_passes(verify->ids, DUPLICATES_TABLE_BYTES));
    return duplicates_find(&verify->walk, verify->ids, DUPLICATES_TABLE_BYTES,
                           &verify->progress, on_duplicate, verify);
}

static int
summary(struct verify *verify)
{
    char bytes[PRINT_SIZE];

    if (verify->ctl->json)
        printf("{\"segments\":%" PRIu64 ",\"entries\":%" PRIu64
               ",\"bytes\":%" PRIu64 ",\"findings\":%" PRIu64
               ",\"corrupt\":%s}\n",
               verify->segments, verify->entries, verify->bytes,
               verify->findings, verify->corrupt ? "true" : "false");
    else
        printf("%" PRIu64 " segment%s, %" PRIu64 " entr%s, %s: %s%" PRIu64
               " finding%s%s\n",
               verify->segments, verify->segments == 1 ? "" : "s",
               verify->entries, verify->entries == 1 ? "y" : "ies",
               print_bytes(verify->bytes, bytes),
               print_colour(verify->findings ? PRINT_BAD : PRINT_GOOD),
               verify->findings, verify->findings == 1 ? "" : "s", print_end());
    if (verify->corrupt)
        return CTL_CORRUPT;
    return verify->findings ? CTL_FINDINGS : CTL_OK;
}

static int
verify_run(struct ctl *ctl, int argc, char **argv)
{
    struct verify verify = {.ctl = ctl};
    int code, r;

    code = ctl_options(ctl, &command_verify, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (code)
        return code;
    r = walk_open(&verify.walk, ctl->dirfd);
    if (r)
        return ctl_fail(ctl, "the segments cannot be read", r);
    /* After the walk: what was removed before it has been passed by now. */
    code = shipped_read(&verify.shipped, ctl);
    if (!code) {
        shipped_warn(&verify.shipped);
        /* Mostly twice: once for the lines, once for duplicates. */
        progress_init(&verify.progress, "verify", 2 * spool_bytes(&verify),
                      true);
        r = check_all(&verify);
        progress_wipe(&verify.progress);
        code = r ? ctl_fail(ctl, "the segments cannot be read", r)
                 : summary(&verify);
    }
    shipped_deinit(&verify.shipped);
    walk_close(&verify.walk);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .arguments = "",
    .about = "Check every line: checksum, JSON, time, count, duplicates",
    .help =
        "Each finding is named by segment and offset:\n"
        "  cut_short         the file is shorter than what was acknowledged\n"
        "  bad_bytes         no line with a right checksum of at most 256 KiB\n"
        "  missing_segment   named by another one, gone, and not shipped\n"
        "  bad_json          a right checksum over what is no JSON\n"
        "  no_event_id       an entry without eventId at its place\n"
        "  control_line      a first line in the middle of a segment\n"
        "  time_falls        a line that is older than the one before it\n"
        "  count_differs     more or fewer entries than its successor says\n"
        "  duplicate         an eventId that another entry has\n"
        "\n"
        "Only what was acknowledged is judged: a torn tail is none of it. "
        "Exit code 5\nwhere a file is cut short or a first line is bad, 1 for "
        "the others. Memory stays\nbelow 24 MiB: a spool of more than 780,000 "
        "entries is read once more for each\n780,000.\n",
    .run = verify_run,
};
