/*
 * The small pure modules: backoff, histogram, siphash.
 */
#include "common/backoff.h"
#include "common/histogram.h"
#include "common/siphash.h"
#include "tests/check.h"

#include <limits.h>

static void
a_delay_is_drawn_from_zero_to_its_ceiling(void)
{
    for (unsigned failures = 1; failures < 70; failures++) {
        int64_t ceiling = failures < 9 ? 100 << (failures - 1) : 20000;

        CHECK_INT(backoff_delay_ms(100, failures, 0), 0);
        CHECK_INT(backoff_delay_ms(100, failures, UINT32_MAX),
                  ceiling < 20000 ? ceiling : 20000);
    }
    CHECK_INT(backoff_delay_ms(100, UINT_MAX, UINT32_MAX), 20000);
    CHECK_INT(backoff_delay_ms(BACKOFF_THROTTLED_MS, 1, UINT32_MAX), 1000);
    CHECK_INT(backoff_delay_ms(100000, 1, UINT32_MAX), 20000);
}

static void
delays_are_drawn_evenly(void)
{
    unsigned counts[10] = {0};

    for (uint32_t i = 0; i < 100000; i++)
        counts[backoff_delay_ms(100, 1, i * 2654435761u) * 10 / 101]++;
    for (int i = 0; i < 10; i++)
        CHECK(counts[i] > 8500 && counts[i] < 11500);
}

static void
hints_lengthen_a_delay_and_never_shorten_it(void)
{
    CHECK_INT(backoff_hinted_ms(100, -1, -1), 100);
    CHECK_INT(backoff_hinted_ms(100, 50, 50), 100);
    CHECK_INT(backoff_hinted_ms(100, 3000, -1), 3000);
    CHECK_INT(backoff_hinted_ms(100, 60000, -1), 5100);
    CHECK_INT(backoff_hinted_ms(100, -1, 60000), 60000);
    CHECK_INT(backoff_hinted_ms(100, INT64_MAX, INT64_MAX), 300000);
}

static void
a_quantile_is_right_within_a_fifth(void)
{
    static struct histogram histogram;

    CHECK_INT(histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t v = 1; v < UINT64_C(1) << 33; v = v + v / 9 + 1) {
        uint64_t got;

        histogram = (struct histogram){0};
        histogram_add(&histogram, v);
        histogram_add(&histogram, UINT64_C(1) << 33);
        got = histogram_quantile(&histogram, 0.5);
        CHECK(got >= v && got - v <= got / 5); /* never too low */
        CHECK_INT(histogram_quantile(&histogram, 1), UINT64_C(1) << 33);
    }
    histogram = (struct histogram){0};
    for (uint64_t v = 1; v <= 1000; v++)
        histogram_add(&histogram, v);
    CHECK_INT(histogram.count, 1000);
    CHECK_INT(histogram.sum, 500500);
    CHECK_INT(histogram.max, 1000);
    CHECK(histogram_quantile(&histogram, 0.99) >= 990);
    CHECK_INT(histogram_quantile(&histogram, 1), 1000);
}

static void
the_greatest_values_have_a_place(void)
{
    static struct histogram histogram;

    histogram_add(&histogram, UINT64_MAX);
    CHECK_INT(histogram_quantile(&histogram, 0.5) == UINT64_MAX, 1);
}

/* By another program, which computes the paper's vector for 2-4 right: the key
 * is 00 to 0f, the message 00 to len - 1. */
static void
a_hash_is_siphash_1_3(void)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {0, UINT64_C(0xabac0158050fc4dc)},
        {1, UINT64_C(0xc9f49bf37d57ca93)},
        {7, UINT64_C(0xd3927d989bb11140)},
        {8, UINT64_C(0x369095118d299a8e)},
        {9, UINT64_C(0x25a48eb36c063de4)},
        {15, UINT64_C(0xd320d86d2a519956)},
        {16, UINT64_C(0xcc4fdd1a7d908b66)},
        {63, UINT64_C(0x9d199062b7bbb3a8)},
    };
    struct siphash_key key, other;
    unsigned char bytes[64];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    memcpy(&key, bytes, sizeof(key));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        CHECK(siphash(&key, bytes, rows[i].len) == rows[i].hash);
    other = key;
    other.half[1] ^= 1;
    CHECK(siphash(&key, bytes, 16) != siphash(&other, bytes, 16));
}

int
main(void)
{
    a_delay_is_drawn_from_zero_to_its_ceiling();
    delays_are_drawn_evenly();
    hints_lengthen_a_delay_and_never_shorten_it();
    a_quantile_is_right_within_a_fifth();
    the_greatest_values_have_a_place();
    a_hash_is_siphash_1_3();
    return 0;
}
