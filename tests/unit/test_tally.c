/*
 * How far shipping has come: what counts as durable is what is on disk, and a
 * checkpoint that cannot be read is neither lost nor written over.
 */
#include "common/line.h"
#include "common/settings.h"
#include "shipper/figures.h"
#include "shipper/stream.h"
#include "shipper/tally.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"
#include "tests/unit/faults.h"
#include "tests/unit/scratch.h"

#include <errno.h>

static struct figures figures;

struct world {
    struct scratch scratch;
    struct settings settings;
    uv_loop_t loop;
    struct stream_world shared;
    struct stream *stream;
    struct tally *tally;
};

static void
begin(struct world *world)
{
    *world = (struct world){0};
    scratch_open(&world->scratch);
    CHECK(!settings_load(&world->settings, "/dev/null", true));
    CHECK(!uv_loop_init(&world->loop));
    world->shared = (struct stream_world){
        .loop = &world->loop,
        .settings = &world->settings,
        .dirfd = world->scratch.dirfd,
        .figures = &figures,
    };
    CHECK(!stream_new(&world->stream, &world->shared, "g", "s",
                      &(struct stream_past){.position = {1, 0}}));
    CHECK(!tally_open(&world->tally, world->scratch.dirfd));
}

static void
end(struct world *world)
{
    tally_close(world->tally);
    stream_close(world->stream);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK(!uv_loop_close(&world->loop));
    settings_free(&world->settings);
    scratch_close(&world->scratch);
}

static void
save(struct world *world)
{
    (void)tally_save(world->tally,
                     &(struct tally_now){
                         .position = stream_position(world->stream),
                         .streams = &world->stream,
                         .stream_count = 1,
                     });
}

static void
on_sending(void *owner, struct stream *stream)
{
    (void)stream;
    save(owner);
}

static void
settle(struct world *world, uint64_t offset)
{
    stream_pass(world->stream, (struct spool_position){1, offset});
    tally_add(world->tally,
              &(struct checkpoint_counts){.delivered = 2, .dead = 1});
    save(world);
}

static uint64_t
on_disk(const struct world *world)
{
    struct checkpoint checkpoint;
    uint64_t offset;

    CHECK(!checkpoint_read(&checkpoint, world->scratch.dirfd));
    offset = checkpoint.position.offset;
    checkpoint_deinit(&checkpoint);
    return offset;
}

static void
what_was_settled_is_known_to_the_next_start(void)
{
    const struct checkpoint_stream *stream;
    struct world world;

    begin(&world);
    CHECK_INT(tally_durable(world.tally).segment, 0);
    CHECK(tally_is_lost(world.tally));
    CHECK(!tally_stream(world.tally, "g", "s", false));
    settle(&world, 100);
    tally_close(world.tally);

    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    CHECK_INT(tally_durable(world.tally).segment, 1);
    CHECK_INT(tally_durable(world.tally).offset, 100);
    CHECK_INT(tally_counts(world.tally).delivered, 2);
    CHECK_INT(tally_counts(world.tally).dead, 1);
    stream = tally_stream(world.tally, "g", "s", false);
    CHECK(stream && stream->position.offset == 100);
    CHECK(!tally_stream(world.tally, "g", "other", false));
    end(&world);
}

static void
whichever_call_fails_durable_is_never_ahead_of_the_disk(void)
{
    bool fired = true;

    for (int nth = 1; fired; nth++) {
        struct world world;

        begin(&world);
        settle(&world, 100);
        faults_fail_call(FAULTS_ALL, nth, false);
        settle(&world, 200);
        fired = faults_fired();
        faults_fail_call(0, 0, false);
        CHECK_INT(tally_durable(world.tally).offset, fired ? 100 : 200);
        CHECK(on_disk(&world) >= tally_durable(world.tally).offset);
        CHECK_INT(tally_counts(world.tally).delivered, 4);

        save(&world); /* the disk is well again */
        CHECK_INT(tally_durable(world.tally).offset, 200);
        CHECK_INT(on_disk(&world), 200);
        end(&world);
    }
}

static void
what_is_about_to_be_sent_is_on_disk_before_it_is(void)
{
    static const char line[] =
        LINE_PREFIX "\"eventId\":\"012345678901234567890123456789012345\"}";
    const struct checkpoint_stream *stream;
    struct world world;

    begin(&world);
    CHECK(!stream_offer(world.stream, (struct slice){line, sizeof(line) - 1},
                        1000, (struct spool_position){1, 100},
                        (struct spool_position){1, 200}));
    world.shared.owner = &world;
    world.shared.sending = on_sending;
    stream_poke(world.stream, true);
    CHECK(fake_aws.call);
    tally_close(world.tally);

    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    CHECK(!tally_is_lost(world.tally));
    stream = tally_stream(world.tally, "g", "s", false);
    CHECK(stream && stream->in_flight);
    CHECK_INT(stream->inflight.first.offset, 100);
    CHECK_INT(stream->inflight.end.offset, 200);
    CHECK_INT(stream->inflight.count, 1);
    CHECK_STR(stream->inflight.last_id, "012345678901234567890123456789012345");
    end(&world);
}

static void
nothing_new_is_not_written(void)
{
    struct world world;

    begin(&world);
    settle(&world, 100);
    faults_fail_call(FAULTS_ALL, 1, false);
    save(&world);
    CHECK(!faults_fired());
    stream_pass(world.stream, (struct spool_position){1, 200});
    save(&world);
    CHECK(faults_fired());
    faults_fail_call(0, 0, false);
    end(&world);
}

static void
a_stream_that_is_closed_stays_known(void)
{
    const struct checkpoint_stream *row;
    struct world world;

    begin(&world);
    stream_pass(world.stream, (struct spool_position){1, 300});
    CHECK(!tally_keep(world.tally, world.stream));
    CHECK(!tally_keep(world.tally, world.stream)); /* the same row */
    CHECK(!tally_save(world.tally,
                      &(struct tally_now){.position = {1, 100}}));
    tally_close(world.tally);

    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    CHECK_INT(tally_durable(world.tally).offset, 100);
    row = tally_stream(world.tally, "g", "s", false);
    CHECK(row && row->position.offset == 300);
    CHECK(!tally_stream(world.tally, "g", "s", true));
    end(&world);
}

static void
letters_are_taken_from_the_dead_once(void)
{
    const struct checkpoint_counts three = {.dead = 3};
    struct world world;

    begin(&world);
    tally_add(world.tally, &three);
    CHECK(tally_letters(world.tally, 1, 1, false));
    CHECK(!tally_letters(world.tally, 1, 1, false));
    CHECK_INT(tally_counts(world.tally).dead, 2);
    CHECK_INT(tally_durable_letters(world.tally), 0);
    CHECK(tally_letters(world.tally, 2, 1, true));
    save(&world);
    CHECK_INT(tally_durable_letters(world.tally), 2);
    tally_close(world.tally);

    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    CHECK_INT(tally_counts(world.tally).dead, 1);
    CHECK_INT(tally_counts(world.tally).dropped, 1);
    CHECK(!tally_letters(world.tally, 2, 1, true));
    end(&world);
}

static void
what_is_dropped_before_it_is_counted_dead_is_dropped_then(void)
{
    const struct checkpoint_counts three = {.dead = 3};
    struct world world;

    begin(&world);
    CHECK(tally_letters(world.tally, 1, 2, true));
    CHECK_INT(tally_counts(world.tally).dropped, 0);
    save(&world);
    tally_close(world.tally);

    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    tally_add(world.tally, &three);
    CHECK_INT(tally_counts(world.tally).dead, 1);
    CHECK_INT(tally_counts(world.tally).dropped, 2);
    end(&world);
}

static void
a_broken_checkpoint_is_set_aside_and_kept(void)
{
    struct world world;

    begin(&world);
    tally_close(world.tally);
    scratch_put(&world.scratch, SPOOL_CHECKPOINT, "{\"version\":1,", 13);
    CHECK(!tally_open(&world.tally, world.scratch.dirfd));
    CHECK_INT(tally_durable(world.tally).segment, 0);
    CHECK(!scratch_get(&world.scratch, SPOOL_CHECKPOINT));
    CHECK_STR(scratch_get(&world.scratch, SPOOL_CHECKPOINT ".broken"),
              "{\"version\":1,");
    end(&world);
}

static void
one_of_a_later_version_is_left_as_it_is(void)
{
    static const char later[] = "{\"version\":2,\"position\":{}}";
    struct tally *none = NULL;
    struct world world;

    begin(&world);
    scratch_put(&world.scratch, SPOOL_CHECKPOINT, later, strlen(later));
    CHECK_INT(tally_open(&none, world.scratch.dirfd), -EPROTO);
    CHECK(!none);
    CHECK_STR(scratch_get(&world.scratch, SPOOL_CHECKPOINT), later);
    CHECK(!scratch_get(&world.scratch, SPOOL_CHECKPOINT ".broken"));
    end(&world);
}

int
main(void)
{
    what_was_settled_is_known_to_the_next_start();
    whichever_call_fails_durable_is_never_ahead_of_the_disk();
    what_is_about_to_be_sent_is_on_disk_before_it_is();
    nothing_new_is_not_written();
    a_stream_that_is_closed_stays_known();
    letters_are_taken_from_the_dead_once();
    what_is_dropped_before_it_is_counted_dead_is_dropped_then();
    a_broken_checkpoint_is_set_aside_and_kept();
    one_of_a_later_version_is_left_as_it_is();
    return 0;
}
