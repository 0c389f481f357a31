/*
 * The window of known ids: by age and by number, and bounded.
 */
#include "ingest/seen.h"

#include "tests/check.h"

static const uint8_t key[16] = {1, 2, 3};
enum { NOW = 1767323045 };

static const uint8_t *
id(uint32_t n)
{
    static uint8_t bytes[SEEN_ID_LEN];

    memcpy(bytes + 4, &n, sizeof(n));
    return bytes;
}

static void
an_id_is_new_once(void)
{
    struct seen *seen = seen_new(key);

    CHECK(seen);
    CHECK(!seen_has(seen, id(1), NOW));
    CHECK(seen_add(seen, id(1), NOW));
    CHECK(!seen_add(seen, id(1), NOW));
    CHECK(seen_has(seen, id(1), NOW));
    CHECK(!seen_has(seen, id(2), NOW));
    CHECK_INT(seen_count(seen), 1);
    seen_free(seen);
}

static void
an_id_is_known_for_a_day_and_no_longer(void)
{
    struct seen *seen = seen_new(key);

    CHECK(seen_add(seen, id(1), NOW));
    CHECK(seen_has(seen, id(1), NOW + SEEN_AGE_S - 1));
    CHECK(!seen_add(seen, id(1), NOW + SEEN_AGE_S - 1));
    CHECK(!seen_has(seen, id(1), NOW + SEEN_AGE_S));
    CHECK(seen_add(seen, id(1), NOW + SEEN_AGE_S));
    CHECK_INT(seen_count(seen), 1); /* not twice */
    CHECK(seen_has(seen, id(1), NOW + 2 * SEEN_AGE_S - 1));
    seen_free(seen);
}

static void
what_was_not_stored_can_come_again(void)
{
    struct seen *seen = seen_new(key);

    for (uint32_t i = 0; i < 1000; i++)
        CHECK(seen_add(seen, id(i), NOW));
    for (uint32_t i = 0; i < 1000; i += 2)
        seen_remove(seen, id(i));
    seen_remove(seen, id(5000)); /* never there: nothing happens */
    CHECK_INT(seen_count(seen), 500);
    for (uint32_t i = 0; i < 1000; i++)
        CHECK_INT(seen_add(seen, id(i), NOW), i % 2 == 0);
    CHECK_INT(seen_count(seen), 1000);
    seen_free(seen);
}

static void
past_the_bound_the_oldest_gives_way_and_no_other(void)
{
    struct seen *seen = seen_new(key);
    const uint32_t extra = 1000;

    for (uint32_t i = 0; i < SEEN_MAX + extra; i++) {
        CHECK(seen_add(seen, id(i), NOW));
        CHECK(seen_count(seen) <= SEEN_MAX);
    }
    CHECK_INT(seen_count(seen), SEEN_MAX);
    for (uint32_t i = 0; i < SEEN_MAX + extra; i++)
        CHECK_INT(seen_has(seen, id(i), NOW), i >= extra);
    seen_free(seen);
    seen_free(NULL);
}

int
main(void)
{
    an_id_is_new_once();
    an_id_is_known_for_a_day_and_no_longer();
    what_was_not_stored_can_come_again();
    past_the_bound_the_oldest_gives_way_and_no_other();
    return 0;
}
