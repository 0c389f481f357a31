#include "shipper/ctl/stats.h"

#include "common/line.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/edge.h"
#include "shipper/ctl/emit.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum field {
    EVENT,
    CATEGORY,
    STATE,
    ACTION,
    OUTCOME,
    SESSION,
    LATENCY,
    FIELDS
};

struct run {
    struct stats stats;
    struct filter filter;
    struct progress progress;
    struct walk walk;
};

static int
parse(struct run *run, struct ctl *ctl, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        FILTER_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    int c, code;

    filter_init(&run->filter);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = ctl_filter_option(ctl, &command_stats, &run->filter, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(&command_stats, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static bool
is_string(struct slice value)
{
    return value.len >= 2 && *value.data == '"';
}

/* What stands between the quotes; of what is no string, nothing. */
static struct slice
inside(struct slice value)
{
    return is_string(value) ? (struct slice){value.data + 1, value.len - 2}
                            : (struct slice){NULL, 0};
}

static int
count_name(struct census *census, struct slice name)
{
    return is_string(name) ? census_add(census, name) : 0;
}

static int
count_action(struct census *census, struct slice action, struct slice outcome)
{
    char name[CENSUS_NAME_LEN_MAX + 1];
    size_t len;

    if (!is_string(action))
        return 0;
    if (!is_string(outcome))
        outcome = SLICE("null");
    len = action.len + 1 + outcome.len;
    if (len > CENSUS_NAME_LEN_MAX) {
        census->others++;
        return 0;
    }
    memcpy(name, action.data, action.len);
    name[action.len] = STATS_BETWEEN;
    memcpy(name + action.len + 1, outcome.data, outcome.len);
    return census_add(census, (struct slice){name, len});
}

static void
count_latency(struct latencies *latencies, struct slice value)
{
    double ms;

    if (!value.data || !jsonvalue_number(value, &ms))
        return;
    if (ms > (double)LATENCIES_MS_MAX)
        ms = (double)LATENCIES_MS_MAX;
    latencies_add(latencies, ms > 0 ? (uint64_t)(ms + 0.5) : 0);
}

static int
count_fields(struct stats *stats, struct slice line)
{
    struct jsonscan_field fields[FIELDS] = {
        [EVENT] = {.name = SLICE("eventName")},
        [CATEGORY] = {.name = SLICE("logCategory")},
        [STATE] = {.name = SLICE("userLoginState")},
        [ACTION] = {.name = SLICE("action")},
        [OUTCOME] = {.name = SLICE("outcome")},
        [SESSION] = {.name = SLICE("sessionId")},
        [LATENCY] = {.name = SLICE("latencyMs")},
    };
    int r;

    (void)jsonscan_fields(line, fields, FIELDS);
    r = count_name(&stats->categories, fields[CATEGORY].value);
    if (!r)
        r = count_name(&stats->events, fields[EVENT].value);
    if (!r)
        r = count_name(&stats->states, fields[STATE].value);
    if (!r)
        r = count_action(&stats->actions, fields[ACTION].value,
                         fields[OUTCOME].value);
    if (!r)
        r = funnel_add(&stats->funnel, inside(fields[EVENT].value),
                       inside(fields[SESSION].value));
    count_latency(&stats->latencies, fields[LATENCY].value);
    return r;
}

static int
count_entry(struct stats *stats, struct slice line)
{
    int64_t ts = line_ts(line.data);

    if (!stats->entries++ || ts < stats->first_ts)
        stats->first_ts = ts;
    if (ts > stats->last_ts)
        stats->last_ts = ts;
    stats->bytes += line.len;
    return count_fields(stats, line);
}

static int
count_lines(struct run *run, struct line_reader *reader)
{
    struct line_item item;
    int r;

    while ((r = line_reader_next(reader, &item)) > 0) {
        struct slice line = {item.bytes, (size_t)item.len};

        progress_add(&run->progress, item.len);
        if (!line.data) {
            run->stats.bad_runs++;
            continue;
        }
        if (line_is_control(line.data, line.len) ||
            !filter_wants(&run->filter, line.data, line.len))
            continue;
        r = count_entry(&run->stats, line);
        if (r < 0)
            return r;
    }
    return r;
}

/* One that was shipped and removed meanwhile is none. */
static int
count_segment(struct run *run, const struct walk_segment *segment)
{
    struct walk_lines lines;
    int r;

    if (edge_outside(run->walk.dirfd, segment, &run->filter)) {
        progress_add(&run->progress, segment->end);
        return 0;
    }
    r = walk_lines_open(&lines, run->walk.dirfd, segment, 0, segment->end);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = count_lines(run, &lines.reader);
    walk_lines_close(&lines);
    return r;
}

static int
count_all(struct run *run, const struct ctl *ctl)
{
    const struct walk_segment *segment = NULL;
    int r;

    r = walk_open(&run->walk, ctl->dirfd);
    if (r)
        return r;
    progress_init(&run->progress, "stats",
                  walk_bytes(&run->walk, (struct spool_position){0}), true);
    while (!r && (segment = walk_next(&run->walk, segment)))
        r = count_segment(run, segment);
    progress_wipe(&run->progress);
    walk_close(&run->walk);
    census_sort(&run->stats.categories);
    census_sort(&run->stats.events);
    census_sort(&run->stats.states);
    census_sort(&run->stats.actions);
    return r;
}

static void
deinit(struct run *run)
{
    census_deinit(&run->stats.categories);
    census_deinit(&run->stats.events);
    census_deinit(&run->stats.states);
    census_deinit(&run->stats.actions);
    funnel_deinit(&run->stats.funnel);
    free(run);
}

static int
count_and_print(struct run *run, struct ctl *ctl)
{
    int r;

    r = funnel_init(&run->stats.funnel, FUNNEL_TABLE_BYTES);
    if (!r)
        r = count_all(run, ctl);
    if (r)
        return ctl_fail(ctl, "the segments cannot be read", r);
    if (ctl->json)
        stats_print_json(&run->stats);
    else
        stats_print(&run->stats);
    emit_end(&(struct emit){.bad_runs = run->stats.bad_runs});
    return CTL_OK;
}

static int
stats_run(struct ctl *ctl, int argc, char **argv)
{
    struct run *run = calloc(1, sizeof(*run));
    int code;

    if (!run)
        return ctl_fail(ctl, "stats", -ENOMEM);
    code = parse(run, ctl, argc, argv);
    if (code >= 0)
        goto out;
    code = ctl_open(ctl);
    if (!code)
        code = count_and_print(run, ctl);

out:
    deinit(run);
    return code;
}

const struct command command_stats = {
    .name = "stats",
    .arguments = "[FILTER]...",
    .about = "Counts over the entries, the shop's funnel, latencies",
    .help = FILTER_HELP
    "\n"
    "Entries by logCategory, eventName, userLoginState, action and "
    "outcome; for each\nstep of the funnel its events, and the sessions "
    "that reached it; percentiles of\nlatencyMs. 1.5 million sessions "
    "and 1000 names of a kind are told apart: where\nthere are more, it "
    "says so. Memory stays below 32 MiB.\n",
    .run = stats_run,
};
