/*
 * A stream against answers of every kind: what is sent when, what is settled,
 * and that nothing is lost or overtaken on the way.
 */
#include "common/fileio.h"
#include "shipper/cwlogs.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"
#include "tests/unit/one_stream.h"

#include <stdlib.h>
#include <string.h>

static void
one_call_is_in_flight_and_the_next_batch_waits_for_it(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, false);
    CHECK(!fake_aws.call); /* linger is not over */
    stream_poke(world.stream, true);
    CHECK(one_stream_sends("\\\"n\\\":1}") &&
          !one_stream_sends("\\\"n\\\":2}"));
    one_stream_offer(&world, 2, 4);
    stream_poke(world.stream, true);
    CHECK(fake_aws.calls == 1);
    CHECK(!world.settled);
    CHECK(!spool_position_compare(stream_position(world.stream), world.at[0]));

    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.settled == 1 && world.delivered == 2);
    CHECK(!spool_position_compare(stream_position(world.stream), world.at[2]));
    stream_poke(world.stream, true);
    CHECK(one_stream_sends("\\\"n\\\":2}") &&
          !one_stream_sends("\\\"n\\\":1}"));
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 4 && stream_empty(world.stream));
    one_stream_end(&world);
}

static void
every_refusal_sends_the_same_batch_again(void)
{
    static const enum aws_advice advices[] = {AWS_RETRY, AWS_SLOW_DOWN,
                                              AWS_CREDENTIALS, AWS_CLOCK,
                                              AWS_JUDGE};

    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
        struct one_stream world;

        one_stream_begin(&world);
        one_stream_offer(&world, 0, 3);
        stream_poke(world.stream, true);
        fake_aws_refuse(CWLOGS_PUT, advices[i], "SomeNewException",
                        "{}");
        CHECK(stream_stuck(world.stream) && !world.settled);
        CHECK(stream_report(world.stream).holding == (advices[i] == AWS_JUDGE));
        one_stream_run_until_call(&world);
        CHECK(one_stream_sends("\\\"n\\\":0}") &&
              one_stream_sends("\\\"n\\\":2}"));
        fake_aws_ok(CWLOGS_PUT, "{}");
        CHECK(world.delivered == 3 && !world.dead);
        CHECK(!stream_report(world.stream).holding);
        one_stream_end(&world);
    }
}

static void
the_token_that_is_wanted_is_sent_and_kept(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    CHECK(!one_stream_sends("sequenceToken"));
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "InvalidSequenceTokenException",
                    "{\"expectedSequenceToken\":\"49\"}");
    one_stream_run_until_call(&world);
    CHECK(one_stream_sends("\"sequenceToken\":\"49\""));
    fake_aws_ok(CWLOGS_PUT, "{\"nextSequenceToken\":\"50\"}");
    CHECK(!strcmp(stream_token(world.stream), "50"));

    one_stream_offer(&world, 1, 2);
    stream_poke(world.stream, true);
    CHECK(one_stream_sends("\"sequenceToken\":\"50\""));
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "DataAlreadyAcceptedException",
                    "{\"expectedSequenceToken\":\"51\"}");
    CHECK(world.delivered == 2 && !world.dead);
    CHECK(!strcmp(stream_token(world.stream), "51"));
    one_stream_end(&world);
}

static void
what_is_missing_is_made_however_many_failures_came_before(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    for (int i = 0; i < 3; i++) {
        fake_aws_refuse(CWLOGS_PUT, AWS_RETRY, "InternalFailure", "{}");
        one_stream_run_until_call(&world);
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
    one_stream_run_until_call(&world);
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "ResourceNotFoundException", "{}");
    fake_aws_ok(CWLOGS_CREATE_STREAM, "{}");
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    one_stream_end(&world);
}

static void
rejected_entries_are_dead_letters_before_the_batch_is_settled(void)
{
    struct one_stream world;
    char *text;
    size_t len;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 8);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT,
                "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,"
                "\"expiredLogEventEndIndex\":3,"
                "\"tooNewLogEventStartIndex\":7}}");
    CHECK(world.settled == 1 && world.delivered == 4 && world.dead == 4);
    CHECK(
        !fileio_read_all(world.dirfd, SPOOL_DEAD_LETTER, 1 << 20, &text, &len));
    CHECK(strstr(text, "{\"reason\":\"too_old\",") == text);
    CHECK(strstr(text, "\"reason\":\"expired\""));
    CHECK(strstr(text, "\"reason\":\"too_new\""));
    for (int i = 0; i < 8; i++) {
        world.lines[i][world.lens[i]] = '\0';
        CHECK(!strstr(text, world.lines[i]) == (i >= 3 && i < 7));
    }
    free(text);
    one_stream_end(&world);
}

static void
a_service_that_cannot_read_gzip_gets_plain_bodies_from_then_on(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    fake_aws_refuse(CWLOGS_PUT, AWS_ENCODING, "MalformedHttpRequestException",
                    "{}");
    CHECK(world.shared.plain);
    one_stream_run_until_call(&world);
    CHECK(!fake_aws.call->gzipped);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    one_stream_end(&world);
}

static void
without_memory_for_a_call_it_is_tried_again(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    fake_aws.no_memory = true;
    stream_poke(world.stream, true);
    CHECK(stream_stuck(world.stream));
    fake_aws.no_memory = false;
    one_stream_run_until_call(&world);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    one_stream_end(&world);
}

static void
the_retention_of_a_group_that_was_there_is_set_once_and_holds_nothing_up(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    stream_close(world.stream);
    world.settings.shipper.retention_days = 30;
    CHECK(!stream_new(&world.stream, &world.shared, "g", "s", &world.past));
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 1);
    CHECK(one_stream_sends("\"retentionInDays\":30"));
    fake_aws_refuse(CWLOGS_RETENTION, AWS_CREDENTIALS, "AccessDeniedException",
                    "{}");
    CHECK(!fake_aws.call && stream_empty(world.stream));
    one_stream_offer(&world, 1, 2);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 2 && !fake_aws.call);
    one_stream_end(&world);
}

static void
closing_gives_up_a_call_under_way(void)
{
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    one_stream_end(&world);
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
