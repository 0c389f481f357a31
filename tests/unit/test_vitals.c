/*
 * What ingest and shipper tell of themselves, whatever comes instead of it.
 */
#include "shipper/ctl/door.h"
#include "shipper/ctl/ends.h"
#include "tests/check.h"

#include <string.h>

static struct door door;

static bool
take(const char *text)
{
    return door_take(&door, text, strlen(text));
}

static void
figures_are_the_last_that_there_were(void)
{
    CHECK(take("{\"version\":\"1.2\",\"uptimeSeconds\":7,"
               "\"seconds\":{\"accepted\":[90,1,2,3,4,5,6,7,8,9,10]},"
               "\"events\":[{\"event\":\"page_view\",\"accepted\":3},"
               "{\"event\":\"\\u001b[2J\",\"accepted\":0}],"
               "\"requests\":{\"p50Us\":[1,20,null],\"p99Us\":[1,30,null]},"
               "\"commits\":{\"p50Us\":[null],\"p99Us\":[null]}}"));
    CHECK(!strcmp(door.version, "1.2"));
    CHECK_INT(door.uptime_s, 7);
    CHECK(door.per_second == 5.5); /* of the last ten */
    CHECK_INT(door.event_count, 2);
    CHECK(!strcmp(door.events[0].name, "page_view"));
    CHECK_INT(door.events[0].accepted, 3);
    CHECK(!strcmp(door.events[1].name, "\\u001b[2J"));
    CHECK(door.requests.known && !door.commits.known);
    CHECK_INT(door.requests.p50_us, 20);
    CHECK_INT(door.requests.p99_us, 30);
}

static void
what_is_no_figure_is_passed_over(void)
{
    CHECK(!take("") && !take("[]") && !take("{"));
    CHECK(take("{}") && !door.event_count && !door.requests.known);
    CHECK(take("{\"version\":1,\"uptimeSeconds\":-1,\"seconds\":[],"
               "\"events\":[1,{\"event\":2},{\"accepted\":1}],"
               "\"requests\":{\"p50Us\":7,\"p99Us\":[\"1\"]},"
               "\"commits\":null}"));
    CHECK(!*door.version && !door.uptime_s && !door.per_second);
    CHECK_INT(door.event_count, 1);
    CHECK(!*door.events[0].name);
    CHECK(!door.requests.known);
}

static void
more_events_than_there_is_room_for(void)
{
    char text[64 * (DOOR_EVENTS_MAX + 1)] = "{\"events\":[";

    for (int i = 0; i <= DOOR_EVENTS_MAX; i++)
        strcat(text, i ? ",{\"event\":\"a\",\"accepted\":1}"
                       : "{\"event\":\"a\",\"accepted\":1}");
    strcat(text, "]}");
    CHECK(take(text));
    CHECK_INT(door.event_count, DOOR_EVENTS_MAX);
}

static void
a_series_is_named_whole(void)
{
    struct slice text = SLICE("# HELP a b\n"
                              "a_total 5\n"
                              "a{x=\"1\"} 1.5\n"
                              "a{x=\"2\"} nothing\n"
                              "a 1e3");
    double value = 0;

    CHECK(ends_series(text, "a{x=\"1\"}", &value) && value == 1.5);
    CHECK(ends_series(text, "a", &value) && value == 1000);
    CHECK(!ends_series(text, "a{x=\"2\"}", &value));
    CHECK(!ends_series(text, "a{x=\"3\"}", &value));
    CHECK(!ends_series(SLICE(""), "a", &value));
    CHECK(!ends_series(SLICE("a "), "a", &value));
}

int
main(void)
{
    figures_are_the_last_that_there_were();
    what_is_no_figure_is_passed_over();
    more_events_than_there_is_room_for();
    a_series_is_named_whole();
    return 0;
}
