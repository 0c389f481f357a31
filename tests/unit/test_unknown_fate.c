/*
 * A batch whose answer was lost, or that was in flight when shipper ended, is
 * looked up, and sent again only as far as it is not there.
 */
#include "common/buf.h"
#include "common/checkpoint.h"
#include "common/clock.h"
#include "common/json.h"
#include "shipper/cwlogs.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"
#include "tests/unit/one_stream.h"

#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 60 * 60 * 1000 };

static void
lose_answer(void)
{
    fake_aws_answer(CWLOGS_PUT, (struct aws_answer){
                                    .outcome = AWS_UNKNOWN,
                                    .advice = AWS_RETRY,
                                    .code = "NoAnswer",
                                    .message = "",
                                    .request_id = "",
                                    .hint_ms = -1,
                                    .retry_after_ms = -1,
                                });
}

/* A page of GetLogEvents that shows entries [from, to). */
static void
show(struct one_stream *world, int from, int to, const char *token)
{
    struct buf page;

    buf_init(&page, 1 << 20);
    (void)buf_puts(&page, "{\"events\":[");
    for (int i = from; i < to; i++) {
        (void)buf_printf(&page, "%s{\"timestamp\":%d,\"message\":",
                         i > from ? "," : "", 1000 + i);
        world->lines[i][world->lens[i]] = '\0';
        json_string(&page, world->lines[i]);
        (void)buf_puts(&page, "}");
    }
    (void)buf_printf(&page, "],\"nextForwardToken\":\"%s\"}", token);
    (void)buf_putc(&page, '\0');
    one_stream_run_until_call(world);
    fake_aws_ok(CWLOGS_GET_EVENTS, page.data);
    buf_deinit(&page);
}

static void
begin_with_wait(struct one_stream *world, int64_t wait_ms)
{
    one_stream_begin(world);
    world->settings.shipper.resolve_wait = wait_ms;
}

static void
what_is_there_is_not_sent_again(void)
{
    struct one_stream world;

    begin_with_wait(&world, 60000);
    one_stream_offer(&world, 0, 4);
    stream_poke(world.stream, true);
    CHECK_INT(world.sending, 1);
    lose_answer();
    CHECK(stream_report(world.stream).state == STREAM_LOOKING);
    one_stream_run_until_call(&world);
    CHECK(one_stream_sends("\"startTime\":1000,\"endTime\":1004,"));
    show(&world, 0, 2, "a"); /* a page, an empty one, the rest: all is there */
    CHECK(one_stream_sends("\"nextToken\":\"a\""));
    show(&world, 0, 0, "b");
    show(&world, 2, 4, "c");
    CHECK(!fake_aws.call);
    CHECK(world.settled == 1 && world.delivered == 4 && !world.dead);
    CHECK_INT(world.figures.ambiguous[LOOKUP_ALL], 1);
    one_stream_end(&world);
}

static void
a_stream_may_be_closed_by_what_was_found(void)
{
    struct one_stream world;

    begin_with_wait(&world, 60000);
    world.closes = true;
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    lose_answer();
    show(&world, 0, 2, "a");
    CHECK(world.delivered == 2 && !world.stream);
    one_stream_end(&world);
}

static void
what_is_missing_after_its_time_is_sent_again_alone(void)
{
    struct one_stream world;

    begin_with_wait(&world, 50);
    one_stream_offer(&world, 0, 4);
    stream_poke(world.stream, true);
    lose_answer();
    show(&world, 1, 2, "a"); /* late: not all shows at once */
    show(&world, 0, 0, "a");
    CHECK(!world.settled && !fake_aws.call);
    show(&world, 1, 3, "a");
    show(&world, 0, 0, "a");
    one_stream_run_until_call(&world);
    CHECK(one_stream_sends("\\\"n\\\":0}") && one_stream_sends("\\\"n\\\":3}"));
    CHECK(!one_stream_sends("\\\"n\\\":1}") &&
          !one_stream_sends("\\\"n\\\":2}"));

    lose_answer(); /* of this too: what was found stays found */
    show(&world, 3, 4, "a");
    show(&world, 0, 0, "a");
    show(&world, 3, 4, "a");
    show(&world, 0, 0, "a");
    CHECK(one_stream_sends("\\\"n\\\":0}") &&
          !one_stream_sends("\\\"n\\\":3}"));
    fake_aws_ok(CWLOGS_PUT,
                "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1}}");
    CHECK(world.settled == 1 && world.delivered == 3 && world.dead == 1);
    CHECK(!spool_position_compare(stream_position(world.stream), world.at[4]));
    one_stream_end(&world);
}

static void
a_failed_look_is_repeated_and_proves_nothing(void)
{
    struct one_stream world;

    begin_with_wait(&world, 1);
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    lose_answer();
    for (int i = 0; i < 2; i++) {
        one_stream_run_until_call(&world);
        fake_aws_refuse(CWLOGS_GET_EVENTS, AWS_SLOW_DOWN, "ThrottlingException",
                        "{}");
        CHECK(!world.settled && !fake_aws.call);
    }
    show(&world, 0, 2, "a");
    CHECK(world.delivered == 2);
    one_stream_end(&world);
}

static void
what_must_not_be_read_is_sent_again(void)
{
    struct one_stream world;

    begin_with_wait(&world, 60000);
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    lose_answer();
    one_stream_run_until_call(&world);
    fake_aws_refuse(CWLOGS_GET_EVENTS, AWS_CREDENTIALS, "AccessDeniedException",
                    "{}");
    CHECK(world.shared.blind);
    one_stream_run_until_call(&world);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 2);
    one_stream_end(&world);

    begin_with_wait(&world, 60000);
    world.settings.shipper.resolve_ambiguous = false;
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    lose_answer();
    one_stream_run_until_call(&world);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 2);
    one_stream_end(&world);
}

static void
what_was_in_flight_at_the_start_is_looked_up_first(void)
{
    struct one_stream world;

    begin_with_wait(&world, 60000);
    one_stream_reopen(&world, (struct stream_past){.position = world.at[0],
                                                   .doubt_end = world.at[3]});
    one_stream_offer(&world, 0, 3);
    CHECK_INT(stream_offer(world.stream,
                           (struct slice){world.lines[3], world.lens[3]}, 1003,
                           world.at[3], world.at[4]),
              STREAM_FULL); /* what cannot have been sent stays apart */
    stream_poke(world.stream, false);
    show(&world, 0, 0, "a"); /* nothing yet proves nothing */
    show(&world, 0, 0, "a");
    show(&world, 0, 3, "a");
    CHECK(world.delivered == 3);
    one_stream_offer(&world, 3, 4);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 4);
    one_stream_end(&world);
}

/* Also where the next end of shipper comes before it was looked up. */
static void
what_was_in_flight_stays_so_until_it_is_settled(void)
{
    struct checkpoint_inflight before = {.count = 3}, now;
    struct one_stream world;

    begin_with_wait(&world, 60000);
    before.first = world.at[0];
    before.end = world.at[3];
    one_stream_reopen(&world, (struct stream_past){.position = world.at[0],
                                                   .in_flight = &before,
                                                   .doubt_end = before.end});
    CHECK(stream_in_flight(world.stream, &now) && now.count == 3);
    one_stream_offer(&world, 0, 2); /* there was not more of it to read yet */
    stream_poke(world.stream, true);
    CHECK(stream_in_flight(world.stream, &now) && now.count == 3);
    show(&world, 0, 2, "a");
    CHECK(world.delivered == 2);
    CHECK(stream_in_flight(world.stream, &now) &&
          !spool_position_compare(now.end, world.at[3]));
    stream_pass(world.stream, world.at[4]);
    CHECK(!stream_in_flight(world.stream, &now));
    one_stream_end(&world);
}

/* It was sent with the present time of then: not with that of now. */
static void
an_entry_from_the_future_is_sought_over_the_past_day(void)
{
    struct one_stream world;
    int64_t now_ms = clock_wall_ms(), from;
    char *start;

    one_stream_begin_at(&world, now_ms + 3 * HOUR_MS);
    one_stream_reopen(&world, (struct stream_past){.position = world.at[0],
                                                   .doubt_end = world.at[1]});
    CHECK(!stream_offer(world.stream,
                        (struct slice){world.lines[0], world.lens[0]}, now_ms,
                        world.at[0], world.at[1]));
    stream_poke(world.stream, true);
    one_stream_run_until_call(&world);
    CHECK(one_stream_sends("\"startTime\":"));
    start = strstr(fake_aws.call->body.data, "\"startTime\":");
    from = strtoll(start + strlen("\"startTime\":"), NULL, 10);
    CHECK(from < now_ms - 23 * HOUR_MS);
    one_stream_end(&world);
}

static void
where_there_is_no_stream_nothing_is_waited_for(void)
{
    struct one_stream world;

    begin_with_wait(&world, 60000);
    one_stream_reopen(&world, (struct stream_past){.position = world.at[0],
                                                   .doubt_end = world.at[3]});
    one_stream_offer(&world, 0, 3);
    stream_poke(world.stream, true);
    one_stream_run_until_call(&world);
    fake_aws_refuse(CWLOGS_GET_EVENTS, AWS_JUDGE, "ResourceNotFoundException",
                    "{}");
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 3);
    one_stream_end(&world);
}

static void
an_old_checkpoint_sends_nothing_twice(void)
{
    struct one_stream world;

    begin_with_wait(&world, 50);
    one_stream_reopen(&world, (struct stream_past){.position = world.at[0],
                                                   .look = true});
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    show(&world, 0, 2, "a");
    CHECK(world.delivered == 2);
    one_stream_offer(&world, 2, 5); /* the last of which are new */
    stream_poke(world.stream, true);
    show(&world, 2, 3, "a"); /* some: so there may be more, which is late */
    show(&world, 0, 0, "a");
    CHECK(!fake_aws.call);
    for (int look = 0; look < 2 + 1; look++) {
        show(&world, 2, 4, "a");
        show(&world, 0, 0, "a");
        one_stream_run_until_call(&world);
        if (!strcmp(fake_aws.call->target, CWLOGS_PUT))
            break;
    }
    CHECK(one_stream_sends("\\\"n\\\":4}") &&
          !one_stream_sends("\\\"n\\\":3}"));
    fake_aws_ok(CWLOGS_PUT, "{}");
    one_stream_offer(&world, 5, 6);
    stream_poke(world.stream, true);
    show(&world, 0, 0, "a"); /* nothing: one look was enough */
    show(&world, 0, 0, "a");
    fake_aws_ok(CWLOGS_PUT, "{}");
    one_stream_offer(&world, 6, 7);
    stream_poke(world.stream, true);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.delivered == 7);
    one_stream_end(&world);
}

int
main(void)
{
    what_is_there_is_not_sent_again();
    a_stream_may_be_closed_by_what_was_found();
    what_is_missing_after_its_time_is_sent_again_alone();
    a_failed_look_is_repeated_and_proves_nothing();
    what_must_not_be_read_is_sent_again();
    what_was_in_flight_at_the_start_is_looked_up_first();
    what_was_in_flight_stays_so_until_it_is_settled();
    an_entry_from_the_future_is_sought_over_the_past_day();
    where_there_is_no_stream_nothing_is_waited_for();
    an_old_checkpoint_sends_nothing_twice();
    return 0;
}
