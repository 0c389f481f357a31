/*
 * Names are counted apart up to a bound, and none is forgotten past it.
 */
#include "shipper/ctl/census.h"
#include "tests/check.h"

static struct census census;

static void
add(unsigned number)
{
    char name[32];
    int n = snprintf(name, sizeof(name), "\"name-%u\"", number);

    CHECK(!census_add(&census, (struct slice){name, (size_t)n}));
}

static void
the_most_frequent_come_first(void)
{
    for (unsigned i = 0; i < 10; i++)
        for (unsigned times = 0; times <= i / 2; times++)
            add(i);
    census_sort(&census);
    CHECK_INT(census.count, 10);
    CHECK_STR(census.rows[0].name, "\"name-8\"");
    CHECK_STR(census.rows[1].name, "\"name-9\"");
    CHECK_INT(census.rows[0].entries, 5);
    CHECK_STR(census.rows[9].name, "\"name-1\"");
    CHECK_INT(census.others, 0);
    census_deinit(&census);
}

static void
past_the_bound_names_are_counted_together(void)
{
    char longest[CENSUS_NAME_LEN_MAX + 1];
    uint64_t sum = 0;

    for (unsigned i = 0; i < 3 * CENSUS_NAMES_MAX; i++)
        add(i);
    for (unsigned i = 0; i < CENSUS_NAMES_MAX; i++)
        add(i);
    memset(longest, 'x', sizeof(longest));
    CHECK(!census_add(&census, (struct slice){longest, sizeof(longest)}));
    census_sort(&census);
    CHECK_INT(census.count, CENSUS_NAMES_MAX);
    for (size_t i = 0; i < census.count; i++)
        sum += census.rows[i].entries;
    CHECK_INT(sum, 2 * CENSUS_NAMES_MAX);
    CHECK_INT(census.others, 2 * CENSUS_NAMES_MAX + 1);
    census_deinit(&census);
}

static void
of_nothing_there_is_nothing(void)
{
    census_sort(&census);
    CHECK_INT(census.count, 0);
    CHECK(!census_add(&census, (struct slice){NULL, 0}));
    census_sort(&census);
    CHECK_INT(census.count, 1);
    CHECK_STR(census.rows[0].name, "");
    census_deinit(&census);
}

int
main(void)
{
    the_most_frequent_come_first();
    past_the_bound_names_are_counted_together();
    of_nothing_there_is_nothing();
    return 0;
}
