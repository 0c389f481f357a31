/*
 * What the ops page is told: estimates of how many, seconds and minutes that
 * pass, quantiles of what came between two looks.
 */
#include "common/buf.h"
#include "ingest/activity.h"
#include "ingest/trend.h"
#include "tests/check.h"

/* As good as a hash: SplitMix64. */
static uint64_t
mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void
check_about(uint64_t got, uint64_t wanted, double share)
{
    double off = (double)got - (double)wanted;

    CHECK((off < 0 ? -off : off) <= share * (double)wanted);
}

static void
a_few_are_counted_and_many_estimated(void)
{
    static const uint64_t sizes[] = {0, 1, 12, 100, 1000, 3000, 50000, 1000000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint8_t places[DISTINCT_PLACES] = {0};

        for (uint64_t n = 0; n < 2 * sizes[i]; n++)
            distinct_add(places, distinct_mark(mixed(n % sizes[i])));
        check_about(distinct_estimate(places), sizes[i],
                    sizes[i] < 100 ? 0 : 0.12);
    }
}

static void
two_sketches_are_one(void)
{
    uint8_t a[DISTINCT_PLACES] = {0}, b[DISTINCT_PLACES] = {0};

    for (uint64_t n = 0; n < 2000; n++) {
        distinct_add(a, distinct_mark(mixed(n)));
        distinct_add(b, distinct_mark(mixed(n + 1000)));
    }
    distinct_merge(a, b);
    check_about(distinct_estimate(a), 3000, 0.12);
}

static void
the_extremes_of_a_hash_have_a_place(void)
{
    struct distinct_mark none = distinct_mark(0);
    struct distinct_mark all = distinct_mark(UINT64_MAX);

    CHECK_INT(none.place, 0);
    CHECK_INT(none.rank, 64 - DISTINCT_BITS + 1);
    CHECK_INT(all.place, DISTINCT_PLACES - 1);
    CHECK_INT(all.rank, 1);
}

static const char *
written(void (*write)(struct buf *out, const void *what), const void *what)
{
    static struct buf out;

    buf_deinit(&out);
    buf_init(&out, 1024 * 1024);
    write(&out, what);
    CHECK(buf_putc(&out, '\0') == 0);
    return out.data;
}

static void
write_trend(struct buf *out, const void *what)
{
    trend_write(out, what);
}

static size_t
count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (text = strstr(text, what); text; text = strstr(text + 1, what))
        count++;
    return count;
}

static void
a_step_tells_what_came_in_it(void)
{
    static struct histogram histogram;
    static struct trend trend;
    const char *text;

    trend_init(&trend, 1000);
    histogram_add(&histogram, 50);
    trend_look(&trend, &histogram, 1005);
    CHECK_INT(count_of(written(write_trend, &trend), "null"),
              3 * (TREND_STEPS - 1)); /* the present one is not told */
    trend_look(&trend, &histogram, 1010);
    for (int i = 0; i < 100; i++)
        histogram_add(&histogram, 2000);
    trend_look(&trend, &histogram, 1020);
    text = written(write_trend, &trend);
    CHECK(strstr(text, "\"count\":[null,"));
    CHECK(strstr(text, "null,1,100],\"p50Us\":["));
    CHECK_INT(count_of(text, "null"), 3 * (TREND_STEPS - 3));
}

static void
steps_that_nobody_looked_at_are_empty(void)
{
    static struct histogram histogram;
    static struct trend trend;

    trend_init(&trend, 0);
    histogram_add(&histogram, 7);
    trend_look(&trend, &histogram, 10);
    CHECK_INT(count_of(written(write_trend, &trend), "null"),
              3 * (TREND_STEPS - 2));
    trend_look(&trend, &histogram, 10 * TREND_STEP_S * TREND_STEPS);
    CHECK_INT(count_of(written(write_trend, &trend), "null"),
              3 * (TREND_STEPS - 1));
    trend_look(&trend, &histogram, 5); /* time does not go back */
}

struct told {
    const struct activity *activity;
    const struct counters *counters;
};

static void
write_activity(struct buf *out, const void *what)
{
    const struct told *told = what;

    activity_write(out, told->activity, told->counters);
}

static void
look(struct activity *activity, uint64_t accepted, int64_t second)
{
    static const struct histogram none;

    activity_look(activity,
                  &(struct activity_totals){.accepted = accepted,
                                            .commit_us = &none,
                                            .request_us = &none},
                  second * 1000000);
}

static void
seconds_and_minutes_pass(void)
{
    static struct counters counters = {.events = {"page_view"},
                                       .event_count = 1};
    struct activity *activity = activity_new(INT64_C(5000) * 1000000);
    struct told told = {activity, &counters};
    struct slice ann = SLICE("session-ann"), bob = SLICE("session-bob");

    activity_accepted(activity, 0, activity_mark(activity, 0, ann));
    activity_accepted(activity, 0, activity_mark(activity, 0, bob));
    activity_accepted(activity, 0, activity_mark(activity, 0, bob));
    activity_accepted(activity, 0,
                      activity_mark(activity, 0, (struct slice){NULL, 0}));
    look(activity, 4, 5001);
    look(activity, 9, 5004);
    CHECK(strstr(written(write_activity, &told), "\"accepted\":[0,4,0,0,5]"));
    CHECK(strstr(written(write_activity, &told),
                 "{\"event\":\"page_view\",\"accepted\":4,\"sessions\":2}"));
    look(activity, 9, 5000 + 30 * 60);
    activity_accepted(activity, 0, activity_mark(activity, 0, ann));
    CHECK(strstr(written(write_activity, &told),
                 "\"accepted\":5,\"sessions\":2"));
    look(activity, 9, 5000 + 61 * 60);
    CHECK(strstr(written(write_activity, &told),
                 "\"accepted\":1,\"sessions\":1"));
    look(activity, 9, 5000 + 600 * 60);
    CHECK(strstr(written(write_activity, &told),
                 "\"accepted\":0,\"sessions\":0"));
    CHECK(!strstr(written(write_activity, &told), "5]"));
    activity_free(activity);
}

static void
there_are_no_more_sessions_than_events(void)
{
    static struct counters counters = {.events = {"page_view"},
                                       .event_count = 1};
    struct activity *activity = activity_new(INT64_C(5000) * 1000000);
    struct told told = {activity, &counters};

    for (unsigned n = 1; n <= 400; n++) {
        char session[32];
        unsigned accepted, sessions;
        const char *event;
        int len = snprintf(session, sizeof(session), "session-%u", n);

        activity_accepted(
            activity, 0,
            activity_mark(activity, 0, (struct slice){session, (size_t)len}));
        event = strstr(written(write_activity, &told), "\"page_view\"");
        CHECK_INT(sscanf(event, "\"page_view\",\"accepted\":%u,\"sessions\":%u",
                         &accepted, &sessions),
                  2);
        CHECK_INT(accepted, n);
        CHECK(sessions <= n);
        check_about(sessions, n, 0.12);
    }
    activity_free(activity);
}

int
main(void)
{
    there_are_no_more_sessions_than_events();
    a_few_are_counted_and_many_estimated();
    two_sketches_are_one();
    the_extremes_of_a_hash_have_a_place();
    a_step_tells_what_came_in_it();
    steps_that_nobody_looked_at_are_empty();
    seconds_and_minutes_pass();
    return 0;
}
