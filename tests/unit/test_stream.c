/*
 * A stream against answers of every kind: what is sent when, what is settled,
 * and that nothing is lost or overtaken on the way.
 */
#include "common/buf.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/settings.h"
#include "common/spool.h"
#include "shipper/cwlogs.h"
#include "shipper/dead_letter.h"
#include "shipper/figures.h"
#include "shipper/stream.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRIES_MAX = 16 };

/* One segment of a real spool, its entries, and a stream that sends them. */
static struct figures figures;

struct world {
    char dir[64];
    int dirfd;
    uv_loop_t loop;
    struct settings settings;
    struct stream_world shared;
    struct stream *stream;
    struct spool_position at[ENTRIES_MAX + 1];
    size_t lens[ENTRIES_MAX];
    char lines[ENTRIES_MAX][128];
    uint64_t delivered, dead;
    unsigned settled;
};

static void
on_settled(void *owner, struct stream *stream, uint64_t delivered,
           uint64_t dead)
{
    struct world *world = owner;

    CHECK(stream == world->stream);
    world->settled++;
    world->delivered += delivered;
    world->dead += dead;
}

static void
make_segment(struct world *world)
{
    struct spool_control control = {.ts = 1000};
    char name[SPOOL_NAME_SIZE];
    struct buf text;
    int fd;

    buf_init(&text, 1 << 20);
    CHECK(!spool_control_write(&text, &control));
    for (int i = 0; i < ENTRIES_MAX; i++) {
        char *line = world->lines[i];
        int len = snprintf(line, sizeof(world->lines[i]),
                           LINE_PREFIX "\"eventId\":\"%036d\",\"n\":%d}\n", i,
                           i);

        line_seal(line, (size_t)len, 1000 + i);
        world->at[i] = (struct spool_position){1, text.len};
        world->lens[i] = (size_t)len - 1;
        CHECK(!buf_append(&text, line, (size_t)len));
    }
    world->at[ENTRIES_MAX] = (struct spool_position){1, text.len};
    fd = fileio_open(world->dirfd, spool_name(1, name), O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, text.data, text.len));
    (void)close(fd);
    buf_deinit(&text);
}

static void
begin(struct world *world)
{
    *world = (struct world){.dir = "/tmp/clickspool-stream-XXXXXX"};
    fake_aws = (struct fake_aws){0};
    CHECK(mkdtemp(world->dir));
    world->dirfd = fileio_open_dir(world->dir);
    CHECK(world->dirfd >= 0);
    CHECK(!settings_load(&world->settings, "/dev/null", true));
    CHECK(!uv_loop_init(&world->loop));
    make_segment(world);
    world->shared = (struct stream_world){
        .loop = &world->loop,
        .settings = &world->settings,
        .dirfd = world->dirfd,
        .owner = world,
        .settled = on_settled,
        .figures = &figures,
    };
    CHECK(!dead_letter_open(&world->shared.dead, world->dirfd, 1 << 20,
                            (struct spool_position){0}));
    CHECK(!stream_new(&world->stream, &world->shared, "g", "s", NULL,
                      world->at[0]));
}

static void
end(struct world *world)
{
    char command[128];

    stream_close(world->stream);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK(!uv_loop_close(&world->loop));
    dead_letter_close(world->shared.dead);
    settings_free(&world->settings);
    (void)close(world->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->dir);
    CHECK(system(command) == 0);
}

static void
offer(struct world *world, int from, int to)
{
    for (int i = from; i < to; i++)
        CHECK(!stream_offer(world->stream,
                            (struct slice){world->lines[i], world->lens[i]},
                            1000 + i, world->at[i], world->at[i + 1]));
}

static bool
sends(const char *text)
{
    CHECK(fake_aws.call);
    return memmem(fake_aws.call->body.data, fake_aws.call->body.len, text,
                  strlen(text)) != NULL;
}

static void
run_until_call(struct world *world)
{
    for (int i = 0; i < 1000 && !fake_aws.call; i++)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    CHECK(fake_aws.call);
}

static void
one_call_is_in_flight_and_the_next_batch_waits_for_it(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 2);
    stream_poke(world.stream, false);
    CHECK(!fake_aws.call); /* linger is not over */
    stream_poke(world.stream, true);
    CHECK(sends("\\\"n\\\":1}") && !sends("\\\"n\\\":2}"));
    offer(&world, 2, 4);
    stream_poke(world.stream, true);
    CHECK(fake_aws.calls == 1);
    CHECK(!world.settled);
    CHECK(!spool_position_compare(stream_position(world.stream), world.at[0]));

    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.settled == 1 && world.delivered == 2);
    CHECK(!spool_position_compare(stream_position(world.stream), world.at[2]));
    stream_poke(world.stream, true);
    CHECK(sends("\\\"n\\\":2}") && !sends("\\\"n\\\":1}"));
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 4 && stream_empty(world.stream));
    end(&world);
}

static void
every_refusal_sends_the_same_batch_again(void)
{
    static const enum aws_advice advices[] = {
        AWS_RETRY, AWS_SLOW_DOWN, AWS_CREDENTIALS, AWS_CLOCK, AWS_JUDGE};

    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
        struct world world;

        begin(&world);
        offer(&world, 0, 3);
        stream_poke(world.stream, true);
        fake_aws_refuse(CWLOGS_PUT, advices[i], "InvalidParameterException",
                        "{}");
        CHECK(stream_stuck(world.stream) && !world.settled);
        CHECK(stream_report(world.stream).holding ==
              (advices[i] == AWS_JUDGE));
        run_until_call(&world);
        CHECK(sends("\\\"n\\\":0}") && sends("\\\"n\\\":2}"));
        fake_aws_ok(CWLOGS_PUT, "{}");
        CHECK(world.delivered == 3 && !world.dead);
        CHECK(!stream_report(world.stream).holding);
        end(&world);
    }
}

static void
the_token_that_is_wanted_is_sent_and_kept(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 1);
    stream_poke(world.stream, true);
    CHECK(!sends("sequenceToken"));
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "InvalidSequenceTokenException",
                    "{\"expectedSequenceToken\":\"49\"}");
    run_until_call(&world);
    CHECK(sends("\"sequenceToken\":\"49\""));
    fake_aws_ok(CWLOGS_PUT, "{\"nextSequenceToken\":\"50\"}");
    CHECK(!strcmp(stream_token(world.stream), "50"));

    offer(&world, 1, 2);
    stream_poke(world.stream, true);
    CHECK(sends("\"sequenceToken\":\"50\""));
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "DataAlreadyAcceptedException",
                    "{\"expectedSequenceToken\":\"51\"}");
    CHECK(world.delivered == 2 && !world.dead);
    CHECK(!strcmp(stream_token(world.stream), "51"));
    end(&world);
}

static void
what_is_missing_is_made_however_many_failures_came_before(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 1);
    stream_poke(world.stream, true);
    for (int i = 0; i < 3; i++) {
        fake_aws_refuse(CWLOGS_PUT, AWS_RETRY, "InternalFailure", "{}");
        run_until_call(&world);
    }
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "ResourceNotFoundException", "{}");
    fake_aws_refuse(CWLOGS_CREATE_STREAM, AWS_JUDGE,
                    "ResourceNotFoundException", "{}");
    fake_aws_refuse(CWLOGS_CREATE_GROUP, AWS_JUDGE,
                    "ResourceAlreadyExistsException", "{}");
    fake_aws_ok(CWLOGS_CREATE_STREAM, "{}");

    /* Made, and still missing: not again at once. */
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "ResourceNotFoundException", "{}");
    CHECK(!fake_aws.call && stream_stuck(world.stream));
    run_until_call(&world);
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "ResourceNotFoundException", "{}");
    fake_aws_ok(CWLOGS_CREATE_STREAM, "{}");
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    end(&world);
}

static void
rejected_entries_are_dead_letters_before_the_batch_is_settled(void)
{
    struct world world;
    char *text;
    size_t len;

    begin(&world);
    offer(&world, 0, 8);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT,
                "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,"
                "\"expiredLogEventEndIndex\":3,"
                "\"tooNewLogEventStartIndex\":7}}");
    CHECK(world.settled == 1 && world.delivered == 4 && world.dead == 4);
    CHECK(!fileio_read_all(world.dirfd, SPOOL_DEAD_LETTER, 1 << 20, &text,
                           &len));
    CHECK(strstr(text, "{\"reason\":\"too_old\",") == text);
    CHECK(strstr(text, "\"reason\":\"expired\""));
    CHECK(strstr(text, "\"reason\":\"too_new\""));
    for (int i = 0; i < 8; i++) {
        world.lines[i][world.lens[i]] = '\0';
        CHECK(!strstr(text, world.lines[i]) == (i >= 3 && i < 7));
    }
    free(text);
    end(&world);
}

static void
a_service_that_cannot_read_gzip_gets_plain_bodies_from_then_on(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 1);
    stream_poke(world.stream, true);
    fake_aws_refuse(CWLOGS_PUT, AWS_ENCODING, "MalformedHttpRequestException",
                    "{}");
    CHECK(world.shared.plain);
    run_until_call(&world);
    CHECK(!fake_aws.call->gzipped);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    end(&world);
}

static void
without_memory_for_a_call_it_is_tried_again(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 1);
    fake_aws.no_memory = true;
    stream_poke(world.stream, true);
    CHECK(stream_stuck(world.stream));
    fake_aws.no_memory = false;
    run_until_call(&world);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    end(&world);
}

static void
the_retention_of_a_group_that_was_there_is_set_once_and_holds_nothing_up(void)
{
    struct world world;

    begin(&world);
    stream_close(world.stream);
    world.settings.shipper.retention_days = 30;
    CHECK(!stream_new(&world.stream, &world.shared, "g", "s", NULL,
                      world.at[0]));
    offer(&world, 0, 1);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    CHECK(sends("\"retentionInDays\":30"));
    fake_aws_refuse(CWLOGS_RETENTION, AWS_CREDENTIALS,
                    "AccessDeniedException", "{}");
    CHECK(!fake_aws.call && stream_empty(world.stream));
    offer(&world, 1, 2);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 2 && !fake_aws.call);
    end(&world);
}

static void
closing_gives_up_a_call_under_way(void)
{
    struct world world;

    begin(&world);
    offer(&world, 0, 1);
    stream_poke(world.stream, true);
    end(&world);
    CHECK(fake_aws.cancelled == 1);
}

int
main(void)
{
    one_call_is_in_flight_and_the_next_batch_waits_for_it();
    every_refusal_sends_the_same_batch_again();
    the_token_that_is_wanted_is_sent_and_kept();
    what_is_missing_is_made_however_many_failures_came_before();
    rejected_entries_are_dead_letters_before_the_batch_is_settled();
    a_service_that_cannot_read_gzip_gets_plain_bodies_from_then_on();
    without_memory_for_a_call_it_is_tried_again();
    the_retention_of_a_group_that_was_there_is_set_once_and_holds_nothing_up();
    closing_gives_up_a_call_under_way();
    return 0;
}
