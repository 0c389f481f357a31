/*
 * Places as people name them, and what is none.
 */
#include "shipper/ctl/place.h"
#include "tests/check.h"

static void
each_way_to_name_one_is_understood(void)
{
    static const char *const names[] = {
        "41:1234",
        "0041:01234",
        "00000000000000000041.ndjson:1234",
        "/var/spool:x/00000000000000000041.ndjson:1234",
    };
    struct spool_position place;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        CHECK(place_parse(names[i], &place));
        CHECK_INT(place.segment, 41);
        CHECK_INT(place.offset, 1234);
    }
}

static void
what_is_none_is_refused(void)
{
    static const char *const names[] = {
        "",
        "41",
        ":",
        "41:",
        ":1234",
        "0:1",
        "41:-1",
        "41:1 ",
        " 41:1",
        "41:0x1",
        "+1:1",
        "x:1",
        "41.ndjson:1",
        "18446744073709551616:1",
        "41:18446744073709551616",
    };
    struct spool_position place;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        CHECK(!place_parse(names[i], &place));
    CHECK_INT(place_segment("42"), 42);
    CHECK_INT(place_segment("dir/42"), 42);
    CHECK_INT(place_segment("42x"), 0);
}

int
main(void)
{
    each_way_to_name_one_is_understood();
    what_is_none_is_refused();
    return 0;
}
