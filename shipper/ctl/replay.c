#include "common/clock.h"
#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/replay_watch.h"
#include "shipper/ctl/walk.h"
#include "shipper/ctl/wish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_FILE = FILTER_OPTION_NEXT,
    OPTION_RATE,
    OPTION_DRY,
    OPTION_DETACH,
    OPTION_WATCH,
    RATE_MAX = 1000 * 1000,
    NUMBER_BASE = 10,
};

/* CloudWatch takes nothing older than 14 days (API reference, "PutLogEvents");
 * an hour of it is for the way there. */
#define AGE_MAX_MS (INT64_C(14 * 24 - 1) * 60 * 60 * 1000)

struct replay {
    struct ctl *ctl;
    struct filter filter;
    const char *file;
    uint64_t rate;
    bool dry, detach, watch;
    struct wish wish;
    struct progress progress;
    uint64_t entries, too_long;
};

/* Return: 0 or a negative errno. */
static int
take_line(struct replay *replay, const char *line, size_t len)
{
    int64_t ts = line_ts(line);
    int r = 0;

    progress_add(&replay->progress, len);
    if (line_is_control(line, len) || !filter_takes_time(&replay->filter, ts) ||
        !filter_wants(&replay->filter, line, len))
        return 0;
    if (!replay->dry)
        r = wish_add(&replay->wish, (struct slice){line, len - 1},
                     clock_wall_ms() - ts > AGE_MAX_MS);
    if (r == -E2BIG) {
        replay->too_long++;
        return 0;
    }
    replay->entries += !r;
    return r;
}

static int
take_segment(struct replay *replay, const struct walk_segment *segment)
{
    struct walk_lines lines;
    struct line_item item;
    int r, taken = 0;

    if (segment->state == WALK_VOID)
        return 0;
    r = walk_lines_open(&lines, replay->ctl->dirfd, segment, 0, segment->end);
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* shipped, and removed */
    while (!taken && (r = line_reader_next(&lines.reader, &item)) > 0)
        if (item.bytes)
            taken = take_line(replay, item.bytes, (size_t)item.len);
    walk_lines_close(&lines);
    return taken ? taken : r;
}

static int
take_spool(struct replay *replay)
{
    struct walk walk;
    int r = walk_open(&walk, replay->ctl->dirfd);

    if (r)
        return ctl_fail(replay->ctl, "the segments cannot be read", r);
    progress_init(&replay->progress, "replay",
                  walk_bytes(&walk, (struct spool_position){0}), true);
    for (size_t i = 0; !r && i < walk.count; i++)
        r = take_segment(replay, &walk.segments[i]);
    progress_wipe(&replay->progress);
    walk_close(&walk);
    return r ? ctl_fail(replay->ctl, "the entries cannot be copied", r)
             : CTL_OK;
}

/* Lines as `cat` and `dead export` give them. */
static int
take_file(struct replay *replay)
{
    FILE *file = strcmp(replay->file, "-") ? fopen(replay->file, "re") : stdin;
    uint64_t number = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int r = 0, code = CTL_OK;

    if (!file)
        return ctl_fail(replay->ctl, replay->file, -errno);
    progress_init(&replay->progress, "replay", 0, false);
    while (!r && !code && (len = getline(&line, &room, file)) > 0) {
        number++;
        if (line_ok(line, (size_t)len))
            r = take_line(replay, line, (size_t)len);
        else
            code = CTL_CORRUPT;
    }
    if (code)
        fprintf(stderr,
                "clickspoolctl: %s:%" PRIu64 ": no line of a spool, or its "
                "checksum is wrong; nothing is sent\n",
                replay->file, number);
    else if (r || ferror(file))
        code = ctl_fail(replay->ctl, replay->file, r ? r : -EIO);
    free(line);
    if (file != stdin)
        (void)fclose(file);
    return code;
}

static int
parse(struct replay *replay, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        FILTER_OPTIONS,
        {"file", required_argument, NULL, OPTION_FILE},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"dry-run", no_argument, NULL, OPTION_DRY},
        {"detach", no_argument, NULL, OPTION_DETACH},
        {"watch", no_argument, NULL, OPTION_WATCH},
        {NULL, 0, NULL, 0},
    };
    char *end;
    int c, code;

    filter_init(&replay->filter);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_FILE) {
            replay->file = optarg;
        } else if (c == OPTION_RATE) {
            replay->rate = strtoull(optarg, &end, NUMBER_BASE);
            if (*end || end == optarg || !replay->rate ||
                replay->rate > RATE_MAX)
                return ctl_usage(&command_replay,
                                 "--rate %s: give 1 to %d entries a second",
                                 optarg, RATE_MAX);
        } else if (c == OPTION_DRY) {
            replay->dry = true;
        } else if (c == OPTION_DETACH) {
            replay->detach = true;
        } else if (c == OPTION_WATCH) {
            replay->watch = true;
        } else {
            code = ctl_filter_option(replay->ctl, &command_replay,
                                     &replay->filter, c);
            if (code >= 0)
                return code;
        }
    }
    if (optind < argc)
        return ctl_usage(&command_replay, "%s: no arguments are taken",
                         argv[optind]);
    if (!replay->watch && !replay->file && filter_is_open(&replay->filter))
        return ctl_usage(&command_replay,
                         "give --since and --until, other filters, or --file");
    return -1;
}

static void
tell(const struct replay *replay)
{
    char name[SPOOL_NAME_SIZE] = "";

    if (replay->wish.number)
        (void)spool_name(SPOOL_RETRY_BASE + replay->wish.number, name);
    if (replay->ctl->json)
        printf("{\"entries\":%" PRIu64 ",\"dryRun\":%s,\"file\":%s%s%s}\n",
               replay->entries, replay->dry ? "true" : "false",
               *name ? "\"" : "", *name ? name : "null", *name ? "\"" : "");
    else
        printf("%" PRIu64 " entr%s %s sent again%s%s\n", replay->entries,
               replay->entries == 1 ? "y" : "ies",
               replay->dry ? "would be" : "will be", *name ? ": " : "", name);
    (void)fflush(stdout);
    if (replay->too_long)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " are left out: with a time added "
                "they would be too long\n",
                replay->too_long);
}

/* Return: an exit code, told. */
static int
ask(struct replay *replay)
{
    int code = CTL_OK, r = 0;

    if (!replay->dry)
        code = wish_open(&replay->wish, replay->ctl);
    if (!code && !replay->dry)
        r = wish_begin_lines(&replay->wish, SPOOL_REPLAY, replay->rate);
    if (r)
        code = ctl_fail(replay->ctl, SPOOL_RETRY, r);
    if (!code)
        code = replay->file ? take_file(replay) : take_spool(replay);
    if (!code && !replay->dry && replay->entries)
        code = wish_send(&replay->wish);
    if (!code)
        tell(replay);
    if (!replay->dry)
        wish_close(&replay->wish);
    return code;
}

static int
replay_run(struct ctl *ctl, int argc, char **argv)
{
    struct replay replay = {.ctl = ctl};
    int code = parse(&replay, argc, argv);

    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (!code && !replay.watch)
        code = ask(&replay);
    if (!code && !replay.dry && !replay.detach)
        code = replay_watch(ctl);
    return code;
}

const struct command command_replay = {
    .name = "replay",
    .arguments = "[OPTION]... FILTER... | --file FILE | --watch",
    .about = "Have a running shipper send entries a second time",
    .help =
        "  --file FILE       of the lines of a file, as cat gives them; -: of "
        "stdin\n"
        "  --rate N          so many entries a second, not as many as can be\n"
        "  --dry-run         only count them\n"
        "  --detach          do not wait until they are delivered\n"
        "  --watch           only wait for those that are under "
        "way\n" FILTER_HELP "\n"
        "Entries keep their ids, so queries that end in dedup count them "
        "once; audit\ncounts replays apart. Those over 14 days old get the "
        "present time, and\nreceivedAt tells the first one. Whatever ends, "
        "this program or shipper, the\nrest is sent; --watch shows the bar "
        "again. What is refused is told in shipper's\nlog, and is no dead "
        "letter.\n",
    .run = replay_run,
};
