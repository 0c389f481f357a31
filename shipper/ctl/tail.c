#include "common/line.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/edge.h"
#include "shipper/ctl/emit.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/walk.h"
#include "shipper/spool_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LAST = 10,
    POLL_MS = 100,       /* how often the published end is looked at ... */
    THOROUGH_TICKS = 10, /* ... and every how manieth time the folder is */
};

struct tail {
    struct filter filter;
    uint64_t last; /* entries to begin with */
    bool follow;
};

/* Where the last entries begin: the first @surplus wanted ones from @from on
 * are too many. */
struct start {
    struct spool_position from;
    uint64_t surplus;
};

static const char *
take_count(uint64_t *count, const char *text)
{
    if (!strcmp(text, "all")) {
        *count = UINT64_MAX;
        return NULL;
    }
    errno = 0;
    *count = strtoull(text, NULL, 10);
    return !*text || errno || strspn(text, "0123456789") != strlen(text)
               ? "is no number of entries"
               : NULL;
}

static int
parse(struct ctl *ctl, struct tail *tail, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        FILTER_OPTIONS,
        {"follow", no_argument, NULL, 'f'},
        {"lines", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    const char *wrong = NULL;
    int c, code;

    filter_init(&tail->filter);
    while ((c = getopt_long(argc, argv, "fn:", known, NULL)) != -1) {
        if (c == 'f') {
            tail->follow = true;
        } else if (c == 'n') {
            wrong = take_count(&tail->last, optarg);
        } else {
            code = ctl_filter_option(ctl, &command_tail, &tail->filter, c);
            if (code >= 0)
                return code;
        }
        if (wrong)
            return ctl_usage(&command_tail, "\"%s\" %s", optarg, wrong);
    }
    if (optind < argc)
        return ctl_usage(&command_tail, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static int
count_wanted(const struct filter *filter, int dirfd,
             const struct walk_segment *segment, uint64_t from, uint64_t end,
             uint64_t *count)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    *count = 0;
    r = walk_lines_open(&lines, dirfd, segment, from, end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0)
        *count += item.bytes && !line_is_control(item.bytes, item.len) &&
                  filter_wants(filter, item.bytes, item.len);
    walk_lines_close(&lines);
    return r;
}

/* From the end of @segment backwards, until @found is enough. */
static int
look_back(const struct tail *tail, const struct walk *walk,
          const struct walk_segment *segment, struct start *start,
          uint64_t *found)
{
    uint64_t first = walk_first(segment), before = segment->end, count;
    int fd, r = 0;

    if (edge_outside(walk->dirfd, segment, &tail->filter))
        return 0;
    fd = spool_open_segment(walk->dirfd, segment->number);
    if (fd < 0)
        return fd;
    while (!r && *found < tail->last && before > first) {
        r = edge_chunk(fd, first, before, &start->from.offset);
        if (!r)
            r = count_wanted(&tail->filter, walk->dirfd, segment,
                             start->from.offset, before, &count);
        if (!r)
            *found += count;
        before = start->from.offset;
        start->from.segment = segment->number;
    }
    (void)close(fd);
    return r;
}

/* A segment that was removed meanwhile ends the way back: it was shipped, and
 * so was all before it. */
static int
find_start(const struct tail *tail, const struct walk *walk,
           struct start *start)
{
    uint64_t found = 0;
    int r = 0;

    *start = (struct start){.from = {UINT64_MAX, 0}};
    if (tail->last == UINT64_MAX)
        start->from.segment = 0;
    for (size_t i = walk->count; !r && i-- > 0 && start->from.segment;) {
        if (found >= tail->last)
            break;
        if (walk->segments[i].state != WALK_VOID)
            r = look_back(tail, walk, &walk->segments[i], start, &found);
    }
    if (found > tail->last)
        start->surplus = found - tail->last;
    return r == -ENOENT ? 0 : r;
}

static int
emit_segment(struct emit *emit, const struct walk *walk,
             const struct walk_segment *segment, struct spool_position from)
{
    struct walk_lines lines;
    int r;

    r = walk_lines_open(&lines, walk->dirfd, segment,
                        from.segment == segment->number ? from.offset : 0,
                        segment->end);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = emit_lines(emit, &lines.reader);
    walk_lines_close(&lines);
    return r;
}

/* *@end is where following has to begin. */
static int
emit_last(const struct tail *tail, struct emit *emit, int dirfd,
          struct spool_position *end)
{
    const struct walk_segment *segment = NULL;
    struct start start;
    struct walk walk;
    int r;

    *end = (struct spool_position){0};
    r = walk_open(&walk, dirfd);
    if (r)
        return r;
    r = find_start(tail, &walk, &start);
    emit->skip = start.surplus;
    while (!r && (segment = walk_next(&walk, segment))) {
        *end = (struct spool_position){segment->number, segment->end};
        if (segment->number >= start.from.segment)
            r = emit_segment(emit, &walk, segment, start.from);
    }
    walk_close(&walk);
    return r;
}

static int
emit_new(struct emit *emit, struct spool_reader *reader, bool thorough)
{
    struct spool_item item;
    int r;

    while ((r = spool_reader_next(reader, thorough, &item)) == 1) {
        /* The newline stands behind the entry. */
        if (item.bytes)
            emit_entry(emit, item.bytes, (size_t)item.len + 1);
        else
            emit->bad_runs++;
        thorough = false;
    }
    emit_end(emit);
    /* A segment that was removed while it was looked for was shipped. */
    return r == -ENOENT ? 0 : r;
}

static int
follow(struct emit *emit, int dirfd, struct spool_position from)
{
    struct spool_reader *reader;
    int r;

    r = spool_reader_new(&reader, dirfd, false);
    if (r < 0)
        return r;
    spool_reader_seek(reader, from);
    emit->skip = 0;
    for (unsigned tick = 0; !r; tick++) {
        r = emit_new(emit, reader, tick % THOROUGH_TICKS == 0);
        if (fflush(stdout) == EOF || ferror(stdout) || !print_wait(POLL_MS))
            break; /* main() tells */
    }
    spool_reader_free(reader);
    return r;
}

static int
tail_run(struct ctl *ctl, int argc, char **argv)
{
    struct tail tail = {.last = LAST};
    struct emit emit = {.filter = &tail.filter};
    struct spool_position end;
    int code, r;

    code = parse(ctl, &tail, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (code)
        return code;
    emit.json = ctl->json;
    r = emit_last(&tail, &emit, ctl->dirfd, &end);
    emit_end(&emit);
    if (!r && tail.follow)
        r = follow(&emit, ctl->dirfd, end);
    return r ? ctl_fail(ctl, "the segments cannot be read", r) : CTL_OK;
}

const struct command command_tail = {
    .name = "tail",
    .arguments = "[-f] [-n N] [FILTER]...",
    .about = "The last entries, and those to come",
    .help = "  -n, --lines N     the last N entries that agree with the filter "
            "(10), or\n"
            "                    \"all\"\n"
            "  -f, --follow      go on with what is acknowledged from now on, "
            "over new\n"
            "                    segments and restarts of ingest, until it is "
            "interrupted\n" FILTER_HELP,
    .run = tail_run,
};
