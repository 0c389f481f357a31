/*
 * The service's clock, from the cases of AWS's own tests of clock skew.
 */
#include "common/timefmt.h"
#include "shipper/aws_clock.h"
#include "tests/check.h"

#define MIDNIGHT INT64_C(1767312000000) /* 2026-01-02T00:00:00Z */

static void
learn(struct aws_clock *clock, const char *date, const char *age,
      int64_t took_ms)
{
    aws_clock_learn(clock, &(struct aws_clock_sample){MIDNIGHT, took_ms, 77,
                                                      date, age});
}

static void
the_offset_is_that_at_the_middle_of_the_call(void)
{
    struct aws_clock clock = {0};

    learn(&clock, "Fri, 02 Jan 2026 00:05:01 GMT", "", 2000);
    CHECK_INT(clock.offset_ms, 300 * 1000);
    CHECK_INT(clock.learnt_us, 77);
    CHECK(aws_clock_explains(&clock, 0));
    learn(&clock, "Thu, 01 Jan 2026 23:55:01 GMT", "", 2000);
    CHECK_INT(clock.offset_ms, -300 * 1000);
    CHECK(aws_clock_explains(&clock, 0));
    learn(&clock, "Fri, 02 Jan 2026 00:02:01 GMT", "", 2000);
    CHECK_INT(clock.offset_ms, 120 * 1000);
    CHECK(!aws_clock_explains(&clock, 0));
}

static void
what_says_nothing_of_the_time_changes_nothing(void)
{
    static const char date[] = "Fri, 02 Jan 2026 00:05:01 GMT";
    struct aws_clock clock = {.offset_ms = 5, .learnt_us = 6};

    learn(&clock, date, "3", 2000);
    learn(&clock, "", "", 2000);
    learn(&clock, "2026-01-02T00:05:01Z", "", 2000);
    learn(&clock, date, "", 15 * 60 * 1000 + 1);
    CHECK_INT(clock.offset_ms, 5);
    CHECK_INT(clock.learnt_us, 6);
    learn(&clock, date, "", 15 * 60 * 1000);
    CHECK_INT(clock.offset_ms, 301 * 1000 - 450 * 1000);
}

static void
a_refusal_is_the_clocks_only_where_it_was_far_off_when_signed(void)
{
    struct aws_clock clock = {.offset_ms = 240 * 1000};

    CHECK(aws_clock_explains(&clock, 0));
    CHECK(!aws_clock_explains(&clock, 239 * 1000)); /* it was known */
    CHECK(!aws_clock_explains(&clock, 235 * 1000));
    CHECK(aws_clock_explains(&clock, 235 * 1000 - 1));
    clock.offset_ms = 240 * 1000 - 1;
    CHECK(!aws_clock_explains(&clock, 0));
    clock.offset_ms = -240 * 1000;
    CHECK(aws_clock_explains(&clock, 0));
}

static void
dates_of_http_are_read_strictly(void)
{
    static const char *const bad[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
    };
    static const char good[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t ms;

    CHECK(timefmt_parse_http(good, strlen(good), &ms));
    CHECK_INT(ms, INT64_C(784111777000));
    for (size_t cut = 0; cut < strlen(good); cut++)
        CHECK(!timefmt_parse_http(good, cut, &ms));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!timefmt_parse_http(bad[i], strlen(bad[i]), &ms));
}

int
main(void)
{
    the_offset_is_that_at_the_middle_of_the_call();
    what_says_nothing_of_the_time_changes_nothing();
    a_refusal_is_the_clocks_only_where_it_was_far_off_when_signed();
    dates_of_http_are_read_strictly();
    return 0;
}
