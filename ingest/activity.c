#include "ingest/activity.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/siphash.h"
#include "ingest/ids.h"
#include "ingest/trend.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum activity_rate { RATE_ACCEPTED, RATE_REFUSED, RATE_DUPLICATE, RATES };

struct minute {
    int64_t minute; /* of the steady clock; another one's is stale */
    uint32_t accepted[COUNTERS_EVENTS];
    uint8_t sessions[ACTIVITY_STEPS][DISTINCT_PLACES];
};

struct activity {
    struct siphash_key key;
    int64_t since, second; /* the start, and the last look */
    uint64_t totals[RATES];
    uint32_t seconds[RATES][ACTIVITY_SECONDS]; /* by second, modulo */
    struct minute minutes[ACTIVITY_MINUTES];   /* likewise */
    struct trend commits, requests;
};

static const char *const rate_names[] = {"accepted", "refused", "duplicates"};

struct activity *
activity_new(int64_t now_us)
{
    struct activity *activity = calloc(1, sizeof(*activity));

    if (!activity)
        return NULL;
    ids_random(&activity->key, sizeof(activity->key));
    activity->since = activity->second = now_us / 1000000;
    for (size_t i = 0; i < ACTIVITY_MINUTES; i++)
        activity->minutes[i].minute = -1;
    trend_init(&activity->commits, activity->second);
    trend_init(&activity->requests, activity->second);
    return activity;
}

void
activity_free(struct activity *activity)
{
    free(activity);
}

struct activity_mark
activity_mark(const struct activity *activity, unsigned event,
              struct slice session)
{
    struct activity_mark mark = {.event = (uint8_t)event};

    if (session.data)
        mark.session =
            distinct_mark(siphash(&activity->key, session.data, session.len));
    return mark;
}

static struct minute *
present_minute(struct activity *activity)
{
    int64_t now = activity->second / 60;
    struct minute *minute = &activity->minutes[now % ACTIVITY_MINUTES];

    if (minute->minute != now) {
        memset(minute, 0, sizeof(*minute));
        minute->minute = now;
    }
    return minute;
}

void
activity_accepted(struct activity *activity, unsigned slot,
                  struct activity_mark mark)
{
    struct minute *minute = present_minute(activity);

    minute->accepted[slot]++;
    if (slot < ACTIVITY_STEPS && mark.session.rank)
        distinct_add(minute->sessions[slot], mark.session);
}

/* Seconds that nobody looked at had nothing: all that came since is told of
 * the one that looks. */
static void
look_at_rate(struct activity *activity, enum activity_rate rate, uint64_t total,
             int64_t second)
{
    uint32_t *seconds = activity->seconds[rate];
    int64_t first = activity->second + 1;

    if (first <= second - ACTIVITY_SECONDS)
        first = second - ACTIVITY_SECONDS + 1;
    for (int64_t i = first; i <= second; i++)
        seconds[i % ACTIVITY_SECONDS] = 0;
    seconds[second % ACTIVITY_SECONDS] +=
        (uint32_t)(total - activity->totals[rate]);
    activity->totals[rate] = total;
}

void
activity_look(struct activity *activity, const struct activity_totals *totals,
              int64_t now_us)
{
    int64_t second = now_us / 1000000;

    look_at_rate(activity, RATE_ACCEPTED, totals->accepted, second);
    look_at_rate(activity, RATE_REFUSED, totals->refused, second);
    look_at_rate(activity, RATE_DUPLICATE, totals->duplicates, second);
    trend_look(&activity->commits, totals->commit_us, second);
    trend_look(&activity->requests, totals->request_us, second);
    activity->second = second;
}

static void
write_rates(struct buf *out, const struct activity *activity)
{
    int64_t first = activity->second - ACTIVITY_SECONDS + 1;

    if (first < activity->since)
        first = activity->since;
    (void)buf_puts(out, "\"seconds\":{");
    for (int rate = 0; rate < RATES; rate++) {
        (void)buf_printf(out, "%s\"%s\":[", rate ? "," : "", rate_names[rate]);
        for (int64_t i = first; i <= activity->second; i++) {
            if (i > first)
                (void)buf_putc(out, ',');
            (void)buf_number(out,
                             activity->seconds[rate][i % ACTIVITY_SECONDS]);
        }
        (void)buf_putc(out, ']');
    }
    (void)buf_putc(out, '}');
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void
write_event(struct buf *out, const struct activity *activity, unsigned slot,
            const char *name)
{
    int64_t oldest = activity->second / 60 - ACTIVITY_MINUTES + 1;
    uint8_t places[DISTINCT_PLACES] = {0};
    uint64_t accepted = 0;

    for (size_t i = 0; i < ACTIVITY_MINUTES; i++) {
        const struct minute *minute = &activity->minutes[i];

        if (minute->minute < oldest || minute->minute < 0)
            continue;
        accepted += minute->accepted[slot];
        if (slot < ACTIVITY_STEPS)
            distinct_merge(places, minute->sessions[slot]);
    }
    (void)buf_puts(out, "{\"event\":");
    json_string(out, name);
    (void)buf_printf(out, ",\"accepted\":%" PRIu64 ",\"sessions\":", accepted);
    /* There are no more sessions than events, whatever is estimated. */
    if (slot < ACTIVITY_STEPS)
        (void)buf_number(out, least(distinct_estimate(places), accepted));
    else
        (void)buf_puts(out, "null");
    (void)buf_putc(out, '}');
}

void
activity_write(struct buf *out, const struct activity *activity,
               const struct counters *counters)
{
    write_rates(out, activity);
    (void)buf_puts(out, ",\"events\":[");
    for (unsigned i = 0; i < counters->event_count; i++) {
        write_event(out, activity, i, counters->events[i]);
        (void)buf_putc(out, ',');
    }
    /* Entries of no catalog's, which the shop's API sends. */
    write_event(out, activity, COUNTERS_EVENTS - 1, "other");
    (void)buf_printf(out, "],\"stepSeconds\":%d,\"commits\":", TREND_STEP_S);
    trend_write(out, &activity->commits);
    (void)buf_puts(out, ",\"requests\":");
    trend_write(out, &activity->requests);
}
