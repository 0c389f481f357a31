/*
 * Times: RFC 3339 strictly, and there and back again.
 */
#include "common/timefmt.h"

#include "tests/check.h"

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static void
a_time_has_its_known_value(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-01-02T03:04:05.678Z", 1767323045678},
        {"2026-01-02T03:04:05.6Z", 1767323045600},
        {"2026-01-02T03:04:05.67Z", 1767323045670},
        {"2026-01-02T03:04:05.6789999999999999999Z", 1767323045678},
        {"2026-01-02t03:04:05z", 1767323045000},
        {"2026-01-02T03:04:05+00:00", 1767323045000},
        {"2026-01-02T03:04:05-00:00", 1767323045000},
        {"2026-01-02T10:34:05+07:30", 1767323045000},
        {"2026-01-01T15:04:05-12:00", 1767323045000},
        {"2000-02-29T12:00:00Z", 951825600000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second */
        {"0000-01-01T00:00:00Z", TIMEFMT_LEAST_MS},
        {"9999-12-31T23:59:59.999Z", TIMEFMT_MOST_MS},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ms = 7;

        if (!timefmt_parse(rows[i].text, strlen(rows[i].text), &ms))
            CHECK_STR("refused", rows[i].text);
        CHECK_INT(ms, rows[i].ms);
    }
}

static void
what_is_no_rfc_3339_time_is_refused(void)
{
    static const char *const texts[] = {
        "", "2026", "2026-01-02", "2026-01-02T03:04:05",
        "2026-01-02T03:04Z", "2026-01-02 03:04:05Z", "2026-1-2T03:04:05Z",
        "26-01-02T03:04:05Z", "+2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z", "2026-00-02T03:04:05Z",
        "2026-13-02T03:04:05Z", "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z", "2026-04-31T03:04:05Z",
        "2026-02-29T03:04:05Z", "1900-02-29T03:04:05Z",
        "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z", "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+01", "2026-01-02T03:04:05+1:00",
        "2026-01-02T03:04:05 +01:00", "2026-01-02T-3:04:05Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z", "2026-W01-2T03:04:05Z",
    };

    for (size_t i = 0; i < ROWS(texts); i++) {
        int64_t ms;

        if (timefmt_parse(texts[i], strlen(texts[i]), &ms))
            CHECK_STR("taken", texts[i]);
    }
}

static void
cut_anywhere_it_is_no_time(void)
{
    static const char text[] = "2026-01-02T03:04:05.678+01:00";
    int64_t ms;

    for (size_t cut = 0; cut < sizeof(text) - 1; cut++)
        CHECK(!timefmt_parse(text, cut, &ms));
    CHECK(timefmt_parse(text, sizeof(text) - 1, &ms));
}

static void
every_time_comes_back_as_it_was(void)
{
    char text[TIMEFMT_SIZE];
    int64_t ms, step = 86399999 * INT64_C(41);

    for (int64_t t = TIMEFMT_LEAST_MS;; t += step) {
        int64_t when = t < TIMEFMT_MOST_MS ? t : TIMEFMT_MOST_MS;

        timefmt_rfc3339(text, when);
        CHECK_INT(strlen(text), TIMEFMT_LEN);
        CHECK(timefmt_parse(text, TIMEFMT_LEN, &ms));
        CHECK_INT(ms, when);
        if (t >= TIMEFMT_MOST_MS)
            break;
    }
    timefmt_rfc3339(text, -1);
    CHECK_STR(text, "1969-12-31T23:59:59.999Z");
}

static void
https_date_is_read_and_nothing_like_it(void)
{
    static const char *const texts[] = {
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Su",
    };
    static const char good[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t ms;

    CHECK(timefmt_parse_http(good, sizeof(good) - 1, &ms));
    CHECK_INT(ms, 784111777000);
    for (size_t cut = 0; cut < sizeof(good) - 1; cut++)
        CHECK(!timefmt_parse_http(good, cut, &ms));
    for (size_t i = 0; i < ROWS(texts); i++)
        CHECK(!timefmt_parse_http(texts[i], strlen(texts[i]), &ms));
}

int
main(void)
{
    a_time_has_its_known_value();
    what_is_no_rfc_3339_time_is_refused();
    cut_anywhere_it_is_no_time();
    every_time_comes_back_as_it_was();
    https_date_is_read_and_nothing_like_it();
    return 0;
}
