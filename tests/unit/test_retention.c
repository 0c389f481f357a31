/*
 * What retention removes of the spool: shipped segments alone, oldest first,
 * and never the highest nor one whose bad bytes somebody has to see.
 */
#include "common/settings.h"
#include "shipper/dead_letter.h"
#include "shipper/retention.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { SEGMENTS = 5, BYTES = 1000, RETAIN_MS = 60000 };

/* Segment 1 was written at 1 s, 2 at 2 s, and so on. */
struct world {
    struct scratch scratch;
    struct settings settings;
    struct dead_letter *dead;
};

static void
begin(struct world *world)
{
    static const char bytes[BYTES];

    scratch_open(&world->scratch);
    CHECK(!settings_load(&world->settings, "/dev/null", true));
    world->settings.spool.retain = RETAIN_MS;
    world->settings.spool.retain_size = 1 << 20;
    world->settings.spool.segment_size = 0;
    world->settings.spool.min_free = 0;
    CHECK(!dead_letter_open(&world->dead, world->scratch.dirfd, 1 << 20,
                            (struct spool_position){0}));
    for (int i = 1; i <= SEGMENTS; i++) {
        struct timespec times[2] = {{.tv_sec = i}, {.tv_sec = i}};
        char name[SPOOL_NAME_SIZE];

        scratch_put_segment(&world->scratch, (uint64_t)i, bytes, BYTES);
        CHECK(!utimensat(world->scratch.dirfd,
                         spool_name((uint64_t)i, name), times, 0));
    }
}

static void
end(struct world *world)
{
    dead_letter_close(world->dead);
    settings_free(&world->settings);
    scratch_close(&world->scratch);
}

/* What is there after a sweep, a digit a segment. */
static const char *
left(struct world *world, uint64_t durable, int64_t now_ms)
{
    static char digits[SEGMENTS + 1];
    struct spool_list list;

    retention_sweep(world->scratch.dirfd, &world->settings, world->dead,
                    (struct spool_position){durable, 0}, now_ms);
    CHECK(!spool_list_read(&list, world->scratch.dirfd));
    for (size_t i = 0; i < list.count; i++)
        digits[i] = (char)('0' + list.numbers[i]);
    digits[list.count] = '\0';
    spool_list_deinit(&list);
    return digits;
}

static void
what_is_not_shipped_stays_whatever_its_age(void)
{
    struct world world;

    begin(&world);
    world.settings.spool.retain_size = 0;
    CHECK_STR(left(&world, 0, INT64_C(1) << 40), "12345");
    CHECK_STR(left(&world, 1, INT64_C(1) << 40), "12345");
    CHECK_STR(left(&world, 3, INT64_C(1) << 40), "345");
    end(&world);
}

static void
the_highest_stays_even_if_the_checkpoint_is_beyond_it(void)
{
    struct world world;

    begin(&world);
    CHECK_STR(left(&world, 99, INT64_C(1) << 40), "5");
    end(&world);
}

static void
a_shipped_one_stays_until_it_has_its_age(void)
{
    struct world world;

    begin(&world);
    CHECK_STR(left(&world, 5, RETAIN_MS + 999), "12345");
    CHECK_STR(left(&world, 5, RETAIN_MS + 1000), "2345");
    CHECK_STR(left(&world, 5, RETAIN_MS + 3999), "45");
    end(&world);
}

static void
beyond_the_size_the_oldest_go_and_no_more_than_needed(void)
{
    struct world world;

    begin(&world);
    world.settings.spool.retain_size = 2 * BYTES;
    CHECK_STR(left(&world, 5, 0), "345");
    CHECK_STR(left(&world, 5, 0), "345");
    world.settings.spool.retain_size = 2 * BYTES - 1;
    CHECK_STR(left(&world, 5, 0), "45");
    end(&world);
}

static void
where_room_is_short_all_that_is_shipped_goes(void)
{
    struct world world;

    begin(&world);
    world.settings.spool.min_free = INT64_MAX / 2;
    CHECK_STR(left(&world, 4, 0), "45");
    end(&world);
}

static void
one_with_bad_bytes_that_nobody_dropped_stays(void)
{
    struct world world;

    begin(&world);
    CHECK(!dead_letter_add_bad(world.dead, (struct spool_position){2, 10}, 5,
                               1000));
    CHECK(!dead_letter_sync(world.dead));
    CHECK_STR(left(&world, 5, INT64_C(1) << 40), "25");
    end(&world);
}

int
main(void)
{
    what_is_not_shipped_stays_whatever_its_age();
    the_highest_stays_even_if_the_checkpoint_is_beyond_it();
    a_shipped_one_stays_until_it_has_its_age();
    beyond_the_size_the_oldest_go_and_no_more_than_needed();
    where_room_is_short_all_that_is_shipped_goes();
    one_with_bad_bytes_that_nobody_dropped_stays();
    return 0;
}
