/*
 * Whichever entries are guilty, they alone are convicted, and it takes few
 * calls.
 */
#include "shipper/sift.h"

#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 10000 };

static bool guilty[MOST], convicted[MOST], taken[MOST];

static bool
is_refused(struct sift_range range)
{
    for (size_t i = range.from; i < range.to; i++)
        if (guilty[i])
            return true;
    return false;
}

static void
convict(const struct sift *sift)
{
    for (size_t i = sift->settled; i < sift->lone; i++)
        convicted[i] = true;
}

/* Return: the calls it took. */
static unsigned
sift_all(size_t count)
{
    struct sift_range range;
    struct sift sift;
    unsigned calls = 0;

    memset(convicted, 0, sizeof(convicted));
    memset(taken, 0, sizeof(taken));
    sift_begin(&sift, count);
    while (sift_next(&sift, &range)) {
        CHECK(range.to <= count && ++calls < 1000000);
        if (is_refused(range)) {
            sift_refused(&sift);
            continue;
        }
        for (size_t i = range.from; i < range.to; i++) {
            CHECK(!taken[i] && !convicted[i]); /* once */
            taken[i] = true;
        }
        convict(&sift);
        sift_taken(&sift);
    }
    CHECK_INT(sift.lone, count);
    convict(&sift); /* by something else that was taken */
    for (size_t i = 0; i < count; i++)
        CHECK(convicted[i] == guilty[i] && taken[i] == !guilty[i]);
    return calls;
}

static void
each_place_of_one_guilty_entry_is_found(void)
{
    for (size_t count = 1; count < 70; count++)
        for (size_t at = 0; at < count; at++) {
            memset(guilty, 0, sizeof(guilty));
            guilty[at] = true;
            (void)sift_all(count);
        }
}

static void
a_guilty_entry_costs_few_calls(void)
{
    memset(guilty, 0, sizeof(guilty));
    guilty[0] = true;
    CHECK_INT(sift_all(4), 4); /* all, two, one, and the rest at once */
    guilty[0] = false;
    for (size_t at = 0; at < MOST; at += 97) {
        guilty[at] = true;
        CHECK(sift_all(MOST) <= 17);
        guilty[at] = false;
    }
    for (unsigned round = 0; round < 20; round++) {
        unsigned many = 0;

        memset(guilty, 0, sizeof(guilty));
        for (unsigned i = 0; i < 1 + 5 * round; i++)
            guilty[(size_t)rand() % MOST] = true;
        for (size_t i = 0; i < MOST; i++)
            many += guilty[i];
        CHECK(sift_all(MOST) <= 1 + 16 * many);
    }
}

static void
where_all_are_refused_nobody_is_convicted_before_something_is_taken(void)
{
    struct sift_range range;
    struct sift sift;

    sift_begin(&sift, 8);
    while (sift_next(&sift, &range))
        sift_refused(&sift);
    CHECK_INT(sift.settled, 0);
    CHECK_INT(sift.lone, 8);
    sift_convict(&sift);
    CHECK_INT(sift.settled, 8);
}

int
main(void)
{
    each_place_of_one_guilty_entry_is_found();
    a_guilty_entry_costs_few_calls();
    where_all_are_refused_nobody_is_convicted_before_something_is_taken();
    return 0;
}
