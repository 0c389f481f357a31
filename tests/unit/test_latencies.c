/*
 * Percentiles by nearest rank: exact below 2048 ms, within a thousandth above.
 */
#include "shipper/ctl/latencies.h"
#include "tests/check.h"

static struct latencies all;

static void
check_close(uint64_t got, uint64_t wanted)
{
    CHECK(got >= wanted);
    CHECK(got - wanted <= wanted / 1000);
}

static void
of_none_and_of_one(void)
{
    all = (struct latencies){0};
    CHECK_INT(latencies_percentile(&all, 50), 0);
    latencies_add(&all, 7);
    CHECK_INT(latencies_percentile(&all, 50), 7);
    CHECK_INT(latencies_percentile(&all, 99), 7);
}

static void
small_ones_are_exact(void)
{
    all = (struct latencies){0};
    for (uint64_t ms = 1; ms <= 2000; ms++)
        latencies_add(&all, 2001 - ms);
    CHECK_INT(latencies_percentile(&all, 50), 1000);
    CHECK_INT(latencies_percentile(&all, 95), 1900);
    CHECK_INT(latencies_percentile(&all, 99), 1980);
    CHECK_INT(latencies_percentile(&all, 100), 2000);

    /* Of ten, the fifth and the tenth. */
    all = (struct latencies){0};
    for (uint64_t ms = 1; ms <= 10; ms++)
        latencies_add(&all, ms);
    CHECK_INT(latencies_percentile(&all, 50), 5);
    CHECK_INT(latencies_percentile(&all, 95), 10);
}

static void
large_ones_are_close(void)
{
    for (uint64_t ms = 2000; ms < LATENCIES_MS_MAX; ms += ms / 3) {
        all = (struct latencies){0};
        latencies_add(&all, ms);
        latencies_add(&all, LATENCIES_MS_MAX);
        check_close(latencies_percentile(&all, 50), ms);
        CHECK_INT(latencies_percentile(&all, 99), LATENCIES_MS_MAX);
    }
    latencies_add(&all, UINT64_MAX);
    CHECK_INT(all.max, LATENCIES_MS_MAX);
}

int
main(void)
{
    of_none_and_of_one();
    small_ones_are_exact();
    large_ones_are_close();
    return 0;
}
