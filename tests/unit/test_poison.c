/*
 * A batch that is refused for its content: the guilty entries alone become
 * dead letters, with the service's own words, and only when the stream takes
 * something afterwards.
 */
#include "common/fileio.h"
#include "shipper/cwlogs.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"
#include "tests/unit/one_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
sends_entry(int n)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "\\\"n\\\":%d}", n);
    return one_stream_sends(text);
}

static void
refuse(void)
{
    fake_aws_refuse(CWLOGS_PUT, AWS_JUDGE, "InvalidParameterException", "{}");
}

/* Calls are answered as the service would, @guilty being a set of bits.
 * Return: the calls. */
static unsigned
answer_all(struct one_stream *world, unsigned guilty)
{
    unsigned calls = 0;

    while (fake_aws.call && !world->settled) {
        bool bad = false;

        for (int i = 0; i < ENTRIES_MAX; i++)
            bad |= (guilty >> i & 1) && sends_entry(i);
        CHECK(++calls < 100);
        if (bad)
            refuse();
        else
            fake_aws_ok(CWLOGS_PUT, "{}");
    }
    return calls;
}

static size_t
letters(struct one_stream *world, char **text)
{
    size_t len, count = 0;

    if (fileio_read_all(world->dirfd, SPOOL_DEAD_LETTER, 1 << 20, text, &len))
        return 0;
    for (size_t i = 0; i < len; i++)
        count += (*text)[i] == '\n';
    return count;
}

static void
the_guilty_alone_die(void)
{
    static const unsigned sets[] = {1,      1u << 15, 0x0100,
                                    0x8001, 0x0180,   0x1234};

    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        struct one_stream world;
        unsigned dead = 0;
        char *text = NULL;

        for (unsigned bits = sets[i]; bits; bits >>= 1)
            dead += bits & 1;
        one_stream_begin(&world);
        one_stream_offer(&world, 0, ENTRIES_MAX);
        stream_poke(world.stream, true);
        CHECK(answer_all(&world, sets[i]) <= 1 + 8 * dead);
        CHECK_INT(world.settled, 1);
        CHECK_INT(world.dead, dead);
        CHECK_INT(world.delivered, ENTRIES_MAX - dead);
        CHECK_INT(letters(&world, &text), dead);
        CHECK(strstr(text, "{\"reason\":\"refused\","
                           "\"code\":\"InvalidParameterException\","
                           "\"message\":\"\",") == text);
        for (int n = 0; n < ENTRIES_MAX; n++) {
            world.lines[n][world.lens[n]] = '\0';
            CHECK((strstr(text, world.lines[n]) != NULL) == (sets[i] >> n & 1));
        }
        free(text);
        CHECK(!spool_position_compare(stream_position(world.stream),
                                      world.at[ENTRIES_MAX]));
        one_stream_end(&world);
    }
}

static void
a_lone_entry_dies_when_a_probe_is_taken(void)
{
    struct one_stream world;
    char *text = NULL;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 1);
    stream_poke(world.stream, true);
    refuse();
    CHECK(one_stream_sends("\\\"logCategory\\\":\\\"clickspool\\\""));
    CHECK(!world.settled && !letters(&world, &text));
    fake_aws_ok(CWLOGS_PUT, /* not taken either: no proof */
                "{\"rejectedLogEventsInfo\":{\"tooNewLogEventStartIndex\":0}}");
    CHECK(!world.settled && !letters(&world, &text) && !fake_aws.call);
    one_stream_run_until_call(&world);
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.settled == 1 && world.dead == 1 && !world.delivered);
    CHECK_INT(letters(&world, &text), 1);
    free(text);
    one_stream_end(&world);
}

static void
what_is_too_old_proves_nothing(void)
{
    struct one_stream world;
    char *text = NULL;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 2);
    stream_poke(world.stream, true);
    refuse();
    CHECK(sends_entry(0) && !sends_entry(1));
    refuse(); /* alone: a suspect */
    CHECK(!sends_entry(0) && sends_entry(1));
    fake_aws_ok(CWLOGS_PUT,
                "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1}}");
    CHECK_INT(letters(&world, &text), 1);
    CHECK(strstr(text, "{\"reason\":\"too_old\"") == text);
    free(text);
    CHECK(!sends_entry(0) && !sends_entry(1)); /* the probe */
    fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.settled == 1 && world.dead == 2 && !world.delivered);
    CHECK_INT(letters(&world, &text), 2);
    free(text);
    one_stream_end(&world);
}

static void
a_stream_that_refuses_everything_holds_and_nobody_dies(void)
{
    struct one_stream world;
    unsigned calls = 0;
    char *text = NULL;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, ENTRIES_MAX);
    stream_poke(world.stream, true);
    do {
        one_stream_run_until_call(&world);
        refuse();
    } while (++calls < 100 && !stream_report(world.stream).holding);
    CHECK(calls < 40); /* it does not go through all of them */
    CHECK(!world.settled && !letters(&world, &text));
    one_stream_run_until_call(&world); /* the probe, again */
    fake_aws_ok(CWLOGS_PUT, "{}");
    while (fake_aws.call && !world.settled)
        fake_aws_ok(CWLOGS_PUT, "{}");
    CHECK(world.settled == 1);
    CHECK_INT(world.delivered + world.dead, ENTRIES_MAX);
    CHECK(!stream_report(world.stream).holding);
    one_stream_end(&world);
}

static void
an_error_that_names_another_field_holds(void)
{
    struct aws_answer answer = {
        .outcome = AWS_REFUSED,
        .advice = AWS_JUDGE,
        .code = "InvalidParameterException",
        .message = "1 validation error detected: Value 'x' at 'logGroupName' "
                   "failed to satisfy constraint",
        .request_id = "",
        .hint_ms = -1,
        .retry_after_ms = -1,
    };
    struct one_stream world;

    one_stream_begin(&world);
    one_stream_offer(&world, 0, 4);
    stream_poke(world.stream, true);
    fake_aws_answer(CWLOGS_PUT, answer);
    CHECK(stream_report(world.stream).holding && !fake_aws.call);
    one_stream_run_until_call(&world);
    CHECK(sends_entry(0) && sends_entry(3)); /* whole */
    answer.message = "Value at 'logEvents.2.member.message' is too long";
    fake_aws_answer(CWLOGS_PUT, answer);
    CHECK(sends_entry(1) && !sends_entry(2));
    one_stream_end(&world);
}

int
main(void)
{
    the_guilty_alone_die();
    a_lone_entry_dies_when_a_probe_is_taken();
    what_is_too_old_proves_nothing();
    a_stream_that_refuses_everything_holds_and_nobody_dies();
    an_error_that_names_another_field_holds();
    return 0;
}
