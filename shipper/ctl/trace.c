#include "common/clock.h"
#include "common/line.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/fate.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/sightings.h"
#include "shipper/ctl/trace_entry.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_LOCAL = CTL_OPTION_NEXT, ID_MAX = 256 };

struct trace {
    struct ctl *ctl;
    struct slice id; /* that is sought */
    bool local;
    int cloud_code; /* 0, or why CloudWatch is asked no more */
    struct aws_sync *sync;
    struct fates fates;
    struct progress progress;
    uint64_t found;

    /* Entries that wait for one look at CloudWatch, and for being shown. */
    struct trace_entry entries[SIGHTINGS_MAX];
    struct sightings sightings;
};

static int
parse(struct trace *trace, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        {"local", no_argument, NULL, OPTION_LOCAL},
        {NULL, 0, NULL, 0},
    };
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_LOCAL) {
            trace->local = true;
            continue;
        }
        code = ctl_option(trace->ctl, &command_trace, c);
        if (code >= 0)
            return code;
    }
    if (argc - optind != 1)
        return ctl_usage(&command_trace, "give one id");
    trace->id = (struct slice){argv[optind], strlen(argv[optind])};
    if (!trace->id.len || trace->id.len > ID_MAX)
        return ctl_usage(&command_trace, "an id has 1 to %d bytes", ID_MAX);
    return -1;
}

/* Show what waits, after a look at CloudWatch where that can be had. */
static void
flush(struct trace *trace)
{
    struct sightings *sightings = &trace->sightings;
    bool asked = !trace->local && !trace->cloud_code;

    if (!sightings->count)
        return;
    progress_wipe(&trace->progress);
    if (asked) {
        trace->cloud_code =
            sightings_look(sightings, trace->sync, &trace->ctl->settings);
        asked = !trace->cloud_code;
    }
    for (size_t i = 0; i < sightings->count; i++)
        trace_entry_print(&trace->entries[i],
                          asked ? &sightings->ones[i] : NULL, trace->ctl->json);
    (void)fflush(stdout);
    sightings->count = 0;
    sightings->later_ms = 0;
}

static void
take(struct trace *trace, const struct trace_entry *entry)
{
    struct sightings *sightings = &trace->sightings;
    /* What is sent again may carry the time at which that is done. */
    bool alone = entry->fate == FATE_RETRIED;

    trace->found++;
    if (alone || !sightings_takes(sightings, entry->ts))
        flush(trace);
    trace->entries[sightings->count] = *entry;
    sightings_add(sightings, entry->event_id, entry->ts);
    if (alone) {
        sightings->later_ms = clock_wall_ms();
        flush(trace);
    }
}

static int
search_segment(struct trace *trace, int dirfd,
               const struct walk_segment *segment)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    r = walk_lines_open(&lines, dirfd, segment, 0, segment->end);
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* shipped, and removed */
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        struct trace_entry entry = {
            .position = {segment->number, item.offset},
        };

        progress_add(&trace->progress, item.len);
        if (!item.bytes ||
            !trace_entry_read(&entry, item.bytes, (size_t)item.len, trace->id))
            continue;
        entry.fate = fates_of(&trace->fates,
                              (struct slice){item.bytes, (size_t)item.len},
                              entry.position, &entry.why);
        take(trace, &entry);
        if (ferror(stdout))
            break; /* main() tells */
    }
    walk_lines_close(&lines);
    return r < 0 ? r : 0;
}

static int
search(struct trace *trace)
{
    const struct walk_segment *segment = NULL;
    struct walk walk;
    int r = walk_open(&walk, trace->ctl->dirfd);

    if (!r)
        progress_init(&trace->progress, "trace",
                      walk_bytes(&walk, (struct spool_position){0}), true);
    while (!r && (segment = walk_next(&walk, segment)))
        r = search_segment(trace, walk.dirfd, segment);
    flush(trace);
    progress_wipe(&trace->progress);
    walk_close(&walk);
    return r ? ctl_fail(trace->ctl, "the segments cannot be read", r) : CTL_OK;
}

static int
conclude(const struct trace *trace)
{
    if (trace->cloud_code) {
        fputs("clickspoolctl: --local shows what the spool says\n", stderr);
        return trace->cloud_code;
    }
    if (trace->found)
        return CTL_OK;
    fputs("clickspoolctl: no entry of the spool carries that id; shipped "
          "ones leave it in time\n",
          stderr);
    return CTL_FINDINGS;
}

static int
trace_run(struct ctl *ctl, int argc, char **argv)
{
    struct trace trace = {.ctl = ctl};
    int code = parse(&trace, argc, argv);

    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (code)
        return code;
    code = fates_read(&trace.fates, ctl);
    if (!code && !trace.local)
        code = aws_sync_open(&trace.sync, ctl);
    if (!code) {
        shipped_warn(&trace.fates.shipped);
        code = search(&trace);
    }
    if (!code)
        code = conclude(&trace);
    fates_deinit(&trace.fates);
    aws_sync_close(trace.sync);
    return code;
}

const struct command command_trace = {
    .name = "trace",
    .arguments = "[--local] ID",
    .about = "A request, event, client or session, from the door to CloudWatch",
    .help =
        "  --local           do not ask CloudWatch\n"
        "\n"
        "Every entry of the spool whose requestId, eventId, clientId or "
        "sessionId is ID,\nin order: when it was received, where it stands, "
        "what it is, its fate (pending,\ndelivered, dead and why, dropped, "
        "retried), and whether CloudWatch shows it, and\nsince when. Exit code "
        "1 where nothing is found.\n",
    .calls_aws = true,
    .run = trace_run,
};
