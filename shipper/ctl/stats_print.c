#include "shipper/ctl/stats.h"

#include "shipper/ctl/pretty.h"
#include "shipper/ctl/print.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAME_WIDTH = 36, ACTION_WIDTH = 24, OUTCOME_WIDTH = 10 };

static const unsigned percentiles[] = {50, 95, 99};

enum { PERCENTILES = sizeof(percentiles) / sizeof(*percentiles) };

static double
percent(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

/* What stands before and behind what count_action() puts between. */
static struct slice
part_of(const struct census_row *row, struct slice *rest)
{
    return slice_split((struct slice){row->name, row->len}, STATS_BETWEEN,
                       rest);
}

static void
print_name(const struct census_row *row)
{
    struct slice outcome, name = part_of(row, &outcome);

    if (outcome.data) {
        pretty_cell(name, ACTION_WIDTH);
        fputs("  ", stdout);
        pretty_cell(outcome, OUTCOME_WIDTH);
    } else {
        pretty_cell(name, NAME_WIDTH);
    }
}

static void
print_share(const struct stats *stats, uint64_t entries)
{
    printf(" %12" PRIu64 " %6.1f%%\n", entries,
           percent(entries, stats->entries));
}

static void
print_census(const struct stats *stats, const struct census *census,
             const char *head)
{
    if (!census->count && !census->others)
        return;
    printf("\n%-*s %12s\n", NAME_WIDTH, head, "ENTRIES");
    for (size_t i = 0; i < census->count; i++) {
        print_name(&census->rows[i]);
        print_share(stats, census->rows[i].entries);
    }
    if (census->others) {
        printf("%-*s", NAME_WIDTH, "(other names)");
        print_share(stats, census->others);
    }
}

static void
print_funnel(const struct funnel *funnel)
{
    bool at_least = false;

    printf("\n%-*s %12s %12s %11s\n", NAME_WIDTH, "FUNNEL", "EVENTS",
           "SESSIONS", "OF PREVIOUS");
    for (size_t i = 0; i < FUNNEL_STEPS; i++) {
        const struct funnel_step *step = &funnel->steps[i];
        char sessions[PRINT_SIZE];

        (void)snprintf(sessions, sizeof(sessions), "%s%" PRIu64,
                       step->at_least ? ">=" : "", step->sessions);
        printf("%-*s %12" PRIu64 " %12s", NAME_WIDTH, step->name, step->events,
               sessions);
        if (i && step[-1].sessions && !step->at_least && !step[-1].at_least)
            printf(" %10.1f%%", percent(step->sessions, step[-1].sessions));
        putchar('\n');
        at_least |= step->at_least;
    }
    if (at_least)
        puts(">=: at least so many, as there are more sessions than are told "
             "apart");
}

static void
print_latencies(const struct latencies *latencies)
{
    if (!latencies->count)
        return;
    printf("\n%-*s %12s\n", NAME_WIDTH, "LATENCY", "MS");
    for (size_t i = 0; i < PERCENTILES; i++)
        printf("p%-*u %12" PRIu64 "\n", NAME_WIDTH - 1, percentiles[i],
               latencies_percentile(latencies, percentiles[i]));
    printf("%-*s %12" PRIu64 "\n", NAME_WIDTH, "max", latencies->max);
}

void
stats_print(const struct stats *stats)
{
    char bytes[PRINT_SIZE], first[PRINT_SIZE], last[PRINT_SIZE];

    printf("%" PRIu64 " entr%s, %s\n", stats->entries,
           stats->entries == 1 ? "y" : "ies", print_bytes(stats->bytes, bytes));
    printf("first %s\nlast  %s\n", print_time(stats->first_ts, first),
           print_time(stats->last_ts, last));
    print_census(stats, &stats->categories, "LOGCATEGORY");
    print_census(stats, &stats->events, "EVENTNAME");
    print_census(stats, &stats->states, "USERLOGINSTATE");
    print_census(stats, &stats->actions, "ACTION                    OUTCOME");
    print_funnel(&stats->funnel);
    print_latencies(&stats->latencies);
}

static void
census_json(const char *name, const struct census *census)
{
    printf(",\"%s\":{", name);
    for (size_t i = 0; i < census->count; i++)
        printf("%s%s:%" PRIu64, i ? "," : "", census->rows[i].name,
               census->rows[i].entries);
    putchar('}');
}

static void
actions_json(const struct census *census)
{
    fputs(",\"actions\":[", stdout);
    for (size_t i = 0; i < census->count; i++) {
        struct slice outcome, action = part_of(&census->rows[i], &outcome);

        printf("%s{\"action\":%.*s,\"outcome\":%.*s,\"entries\":%" PRIu64 "}",
               i ? "," : "", (int)action.len, action.data, (int)outcome.len,
               outcome.data, census->rows[i].entries);
    }
    putchar(']');
}

static void
funnel_json(const struct funnel *funnel)
{
    fputs(",\"funnel\":[", stdout);
    for (size_t i = 0; i < FUNNEL_STEPS; i++) {
        const struct funnel_step *step = &funnel->steps[i];

        printf("%s{\"eventName\":\"%s\",\"events\":%" PRIu64
               ",\"sessions\":%" PRIu64 ",\"atLeast\":%s}",
               i ? "," : "", step->name, step->events, step->sessions,
               step->at_least ? "true" : "false");
    }
    putchar(']');
}

static void
latencies_json(const struct latencies *latencies)
{
    printf(",\"latencyMs\":{\"count\":%" PRIu64, latencies->count);
    for (size_t i = 0; i < PERCENTILES; i++)
        if (latencies->count)
            printf(",\"p%u\":%" PRIu64, percentiles[i],
                   latencies_percentile(latencies, percentiles[i]));
        else
            printf(",\"p%u\":null", percentiles[i]);
    if (latencies->count)
        printf(",\"max\":%" PRIu64 "}", latencies->max);
    else
        fputs(",\"max\":null}", stdout);
}

void
stats_print_json(const struct stats *stats)
{
    char first[PRINT_SIZE], last[PRINT_SIZE];

    printf("{\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"badRuns\":%" PRIu64
           ",\"first\":%s,\"last\":%s",
           stats->entries, stats->bytes, stats->bad_runs,
           print_time_json(stats->first_ts, first),
           print_time_json(stats->last_ts, last));
    census_json("categories", &stats->categories);
    census_json("events", &stats->events);
    census_json("loginStates", &stats->states);
    actions_json(&stats->actions);
    printf(",\"others\":{\"categories\":%" PRIu64 ",\"events\":%" PRIu64
           ",\"loginStates\":%" PRIu64 ",\"actions\":%" PRIu64 "}",
           stats->categories.others, stats->events.others, stats->states.others,
           stats->actions.others);
    funnel_json(&stats->funnel);
    latencies_json(&stats->latencies);
    puts("}");
}
