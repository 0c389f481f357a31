/*
 * A checkpoint comes back as it was written, and a torn one is never taken
 * for another.
 */
#include "common/checkpoint.h"

#include "common/buf.h"
#include "tests/check.h"

static struct checkpoint_stream streams[] = {
    {.group = (char *)(uintptr_t) "/a/\"b\"",
     .stream = (char *)(uintptr_t) "h\n1",
     .position = {42, 1234},
     .in_flight = true,
     .inflight = {{42, 1234}, {43, 77}, 17, 1000, 2000, "an-id"}},
    {.group = (char *)(uintptr_t) "/a",
     .stream = (char *)(uintptr_t) "\xc3\xa9",
     .token = (char *)(uintptr_t) "4959",
     .position = {43, 0}},
};
static const struct checkpoint written = {
    .position = {42, 9007199254740991},
    .streams = streams,
    .stream_count = 2,
    .counts = {100, 2, UINT64_C(9007199254740992)},
    .saved_at = "2026-01-02T03:04:05.678Z",
};

static int
parse(struct checkpoint *checkpoint, const char *text)
{
    return checkpoint_parse(checkpoint, text, strlen(text));
}

static void
what_is_printed_is_read_again(void)
{
    struct checkpoint read;
    struct buf text;

    buf_init(&text, 4096);
    CHECK_INT(checkpoint_print(&written, &text), 0);
    CHECK_INT(checkpoint_parse(&read, text.data, text.len), 0);
    CHECK_INT(read.position.segment, 42);
    CHECK_INT(read.position.offset, 9007199254740991);
    CHECK_INT(read.counts.delivered, 100);
    CHECK_INT(read.counts.dead, 2);
    CHECK_INT(read.counts.dropped, 9007199254740992);
    CHECK_STR(read.saved_at, written.saved_at);
    CHECK_INT(read.stream_count, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_STR(read.streams[i].group, streams[i].group);
        CHECK_STR(read.streams[i].stream, streams[i].stream);
        CHECK_INT(read.streams[i].position.segment,
                  streams[i].position.segment);
        CHECK_INT(read.streams[i].position.offset, streams[i].position.offset);
    }
    CHECK(read.streams[0].in_flight && !read.streams[1].in_flight);
    CHECK(!memcmp(&read.streams[0].inflight, &streams[0].inflight,
                  sizeof(streams[0].inflight)));
    CHECK(!read.streams[0].token);
    CHECK_STR(read.streams[1].token, "4959");
    checkpoint_deinit(&read);
    buf_deinit(&text);
}

static void
torn_anywhere_it_is_broken(void)
{
    struct checkpoint read;
    struct buf text;

    buf_init(&text, 4096);
    CHECK_INT(checkpoint_print(&written, &text), 0);
    for (size_t cut = 0; cut < text.len - 1; cut++) {
        char copy[4096];

        CHECK_INT(checkpoint_parse(&read, text.data, cut), CHECKPOINT_BROKEN);
        CHECK(!read.streams);
        /* zeros, where the disk had not kept the rest */
        memcpy(copy, text.data, text.len);
        memset(copy + cut, 0, text.len - cut);
        CHECK_INT(checkpoint_parse(&read, copy, text.len), CHECKPOINT_BROKEN);
    }
    buf_deinit(&text);
}

static void
another_version_is_told_from_none(void)
{
    struct checkpoint read;

    CHECK_INT(parse(&read, "{\"version\":2}"), CHECKPOINT_UNKNOWN);
    CHECK_INT(parse(&read, "{\"version\":0}"), CHECKPOINT_UNKNOWN);
    CHECK_INT(parse(&read, "{\"version\":\"1\"}"), CHECKPOINT_BROKEN);
    CHECK_INT(parse(&read, "{\"version\":1.5}"), CHECKPOINT_BROKEN);
    CHECK_INT(parse(&read, "{}"), CHECKPOINT_BROKEN);
    CHECK_INT(parse(&read, "[]"), CHECKPOINT_BROKEN);
    CHECK_INT(parse(&read, ""), CHECKPOINT_BROKEN);
}

static void
a_member_wrong_or_missing_is_broken_and_a_new_one_is_passed_over(void)
{
#define POSITION "\"position\":{\"segment\":1,\"offset\":2}"
#define COUNTS "\"counts\":{\"delivered\":1,\"dead\":0,\"dropped\":0}"
    static const char *const texts[] = {
        "{\"version\":1,\"streams\":[]," COUNTS "}",
        "{\"version\":1," POSITION ",\"streams\":[]}",
        "{\"version\":1," POSITION "," COUNTS "}",
        "{\"version\":1," POSITION ",\"streams\":{}," COUNTS "}",
        "{\"version\":1," POSITION ",\"streams\":[{}]," COUNTS "}",
        "{\"version\":1," POSITION ",\"streams\":[{\"group\":\"g\"," POSITION
        "}]," COUNTS "}",
        "{\"version\":1," POSITION
        ",\"streams\":[{\"group\":\"g\",\"stream\":\"s\"," POSITION
        "},7]," COUNTS "}",
        "{\"version\":1,\"position\":{\"segment\":-1,\"offset\":2},"
        "\"streams\":[]," COUNTS "}",
        "{\"version\":1,\"position\":{\"segment\":1,\"offset\":1e300},"
        "\"streams\":[]," COUNTS "}",
        "{\"version\":1," POSITION ",\"streams\":[]," COUNTS "}x",
    };
    struct checkpoint read;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        CHECK_INT(parse(&read, texts[i]), CHECKPOINT_BROKEN);
    CHECK_INT(parse(&read, "{\"new\":[1],\"version\":1," POSITION
                           ",\"streams\":[]," COUNTS "}"),
              0);
    CHECK_STR(read.saved_at, "");
    checkpoint_deinit(&read);
    checkpoint_deinit(&read); /* nothing is left to free twice */
}

int
main(void)
{
    what_is_printed_is_read_again();
    torn_anywhere_it_is_broken();
    another_version_is_told_from_none();
    a_member_wrong_or_missing_is_broken_and_a_new_one_is_passed_over();
    return 0;
}
