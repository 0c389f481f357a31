/*
 * Each id that was added is counted as often as it was seen, whatever the
 * order and the case, and nothing else is.
 */
#include "shipper/ctl/idset.h"
#include "tests/check.h"

#include <errno.h>
#include <stdbool.h>

enum { IDS = 5000 };

static const char *
id_of(unsigned number, bool capitals)
{
    static char text[37];

    (void)snprintf(text, sizeof(text),
                   capitals ? "%08X-0000-7000-8000-ABCDEF012345"
                            : "%08x-0000-7000-8000-abcdef012345",
                   number * 2654435761u);
    return text;
}

static void
test_each_is_counted_as_often_as_it_is_seen(void)
{
    struct idset_sum sum = {0};
    struct idset set;

    idset_init(&set, IDS);
    for (unsigned i = 0; i < IDS; i++)
        CHECK_INT(idset_add(&set, id_of(i, i % 2)), 0);
    CHECK_INT(idset_add(&set, id_of(IDS, false)), -ENOBUFS);
    CHECK_INT(idset_sort(&set), 0);
    for (unsigned i = 0; i < IDS; i++)
        for (unsigned times = 0; times < i % 3; times++)
            CHECK_INT(idset_see(&set, id_of(i, i % 5)), 1);
    CHECK_INT(idset_see(&set, id_of(IDS, false)), 0);
    idset_sum(&set, &sum);
    CHECK_INT(sum.missing, (IDS + 2) / 3);
    CHECK_INT(sum.once, (IDS + 1) / 3);
    CHECK_INT(sum.more, IDS / 3);

    idset_forget(&set);
    sum = (struct idset_sum){0};
    idset_sum(&set, &sum);
    CHECK_INT(sum.missing, IDS);
    CHECK_STR(sum.first_missing, id_of(0, false));
    CHECK_STR(sum.first_more, "");
    idset_deinit(&set);
}

/* Two entries of one id need two events, and a third is one too many. */
static void
test_an_id_that_two_entries_have_is_wanted_twice(void)
{
    struct idset_sum sum = {0};
    struct idset set;
    uint64_t repeated;

    idset_init(&set, 10);
    CHECK_INT(idset_add(&set, id_of(1, false)), 0);
    CHECK_INT(idset_add(&set, id_of(2, false)), 0);
    CHECK_INT(idset_add(&set, id_of(1, true)), 0);
    CHECK_INT(idset_sort(&set), 0);
    CHECK_INT(idset_distinct(&set, &repeated), 2);
    CHECK_INT(repeated, 1);
    CHECK_INT(idset_see(&set, id_of(1, false)), 1);
    CHECK_INT(idset_see(&set, id_of(1, false)), 1);
    idset_sum(&set, &sum);
    CHECK_INT(sum.once, 2);
    CHECK_INT(sum.missing, 1);
    CHECK_INT(idset_see(&set, id_of(1, false)), 1);
    sum = (struct idset_sum){0};
    idset_sum(&set, &sum);
    CHECK_INT(sum.more, 1);
    CHECK_STR(sum.first_more, id_of(1, false));
    idset_deinit(&set);
}

static void
test_what_is_no_uuid_is_refused(void)
{
    static const char *const bad[] = {
        "0000000000000-0000-7000-8000-00000000", /* dashes elsewhere */
        "0000000g-0000-7000-8000-000000000000",
        "00000000-0000-7000-8000-00000000000\"",
        "00000000-0000-7000-8000_000000000000",
    };
    struct idset set;

    idset_init(&set, 10);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK_INT(idset_add(&set, bad[i]), -EINVAL);
    CHECK_INT(set.count, 0);
    idset_deinit(&set);
}

int
main(void)
{
    test_each_is_counted_as_often_as_it_is_seen();
    test_an_id_that_two_entries_have_is_wanted_twice();
    test_what_is_no_uuid_is_refused();
    return 0;
}
