/*
 * The small modules that make text: buf, json, uri, log, ids.
 */
#include "common/buf.h"
#include "common/json.h"
#include "common/log.h"
#include "common/uri.h"
#include "common/uuid.h"
#include "ingest/ids.h"
#include "tests/check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static const char *
text_of(struct buf *buf)
{
    CHECK_INT(buf_putc(buf, '\0'), 0);
    return buf->data;
}

static void
a_buffer_never_passes_its_limit_and_a_failed_append_changes_nothing(void)
{
    struct buf buf;

    for (size_t limit = 0; limit < 700; limit += 7) {
        buf_init(&buf, limit);
        for (size_t i = 0; i < limit; i++)
            CHECK_INT(buf_putc(&buf, (char)i), 0);
        CHECK_INT(buf.failed, 0);
        CHECK_INT(buf_putc(&buf, 'x'), -ENOBUFS);
        CHECK_INT(buf_append(&buf, "xy", 2), -ENOBUFS);
        CHECK_INT(buf_reserve(&buf, SIZE_MAX), -ENOBUFS);
        CHECK_INT(buf_append(&buf, NULL, 0), 0);
        CHECK_INT(buf.failed, -ENOBUFS); /* is remembered */
        CHECK_INT(buf.len, limit);
        CHECK(buf.cap <= limit);
        for (size_t i = 0; i < limit; i++)
            CHECK_INT(buf.data[i], (char)i);
        buf_clear(&buf);
        CHECK_INT(buf.failed, 0);
        CHECK_INT(buf.len, 0);
        buf_deinit(&buf);
        buf_deinit(&buf);
    }
}

static void
bytes_are_dropped_at_the_right_end(void)
{
    struct buf buf;

    buf_init(&buf, 64);
    CHECK_INT(buf_puts(&buf, "0123456789"), 0);
    buf_consume(&buf, 0);
    buf_consume(&buf, 3);
    buf_truncate(&buf, 5);
    CHECK_INT(buf_number(&buf, UINT64_MAX), 0);
    CHECK_INT(buf_number(&buf, 0), 0);
    CHECK_INT(buf_printf(&buf, "-%s", "z"), 0);
    CHECK_STR(text_of(&buf), "34567184467440737095516150-z");
    buf_consume(&buf, buf.len);
    CHECK_INT(buf.len, 0);
    buf_shrink(&buf, 1000);
    CHECK(buf.cap > 0);
    buf_shrink(&buf, 1);
    CHECK_INT(buf.cap, 0);
    buf_deinit(&buf);
}

static void
an_escaped_text_is_a_json_string_of_the_same_bytes(void)
{
    char all[255], quoted[2048];
    struct buf out;
    cJSON *item;

    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    buf_init(&out, sizeof(quoted));
    (void)buf_putc(&out, '"');
    json_escape(&out, all, 127); /* ASCII; the rest passes as it is */
    (void)buf_putc(&out, '"');
    for (size_t i = 0; i < out.len; i++)
        CHECK((unsigned char)out.data[i] >= 0x20);
    item = json_parse(out.data, out.len);
    CHECK(cJSON_IsString(item));
    CHECK(!memcmp(item->valuestring, all, 127) && !item->valuestring[127]);
    cJSON_Delete(item);
    buf_clear(&out);
    json_escape(&out, all + 127, 128);
    CHECK(out.len == 128 && !memcmp(out.data, all + 127, 128));
    buf_clear(&out);
    json_escape(&out, "a\0b", 3);
    json_string(&out, NULL);
    CHECK_STR(text_of(&out), "a\\u0000bnull");
    buf_deinit(&out);
}

static void
what_deceives_the_eye_is_escaped_for_people(void)
{
    static const char *const rows[][2] = {
        {"a\xc3\xa9\xf0\x9f\x98\x80", "a\xc3\xa9\xf0\x9f\x98\x80"},
        {"\x7f", "\\u007f"},
        {"\xc2\x85", "\\u0085"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
        {"\xe2\x80\xae", "\\u202e"},
        {"\xe2\x81\xa6", "\\u2066"},
        {"\xe2\x80\x8b", "\\u200b"},
        {"\xef\xbb\xbf", "\\ufeff"},
        {"\x1b[31m\n\"\\", "\\u001b[31m\\n\\\"\\\\"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf out;

        buf_init(&out, 256);
        json_escape_printable(&out, rows[i][0], strlen(rows[i][0]));
        CHECK_STR(text_of(&out), rows[i][1]);
        buf_deinit(&out);
    }
}

static bool
parses(const char *text, size_t len)
{
    cJSON *tree = json_parse(text, len);

    cJSON_Delete(tree);
    return tree != NULL;
}

static void
what_is_read_is_one_document_and_not_too_deep(void)
{
    char deep[80];

    CHECK(parses(" {\"a\":[1]} \n", 12));
    CHECK(!parses("", 0));
    CHECK(!parses("{} {}", 5));
    CHECK(!parses("{}x", 3));
    CHECK(!parses("{}\0", 3));
    CHECK(parses("{\"a\":1}", 7));
    for (size_t cut = 0; cut < 7; cut++)
        CHECK(!parses("{\"a\":1}", cut));
    for (size_t depth = 31; depth < 35; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        CHECK_INT(parses(deep, 2 * depth), depth <= 32);
    }
    /* brackets within a string are none */
    CHECK(parses("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"", 45));
}

static void
only_whole_numbers_that_a_double_holds_are_taken(void)
{
    static const char text[] = "{\"a\":9007199254740992,\"b\":-1,\"c\":1.5,"
                               "\"d\":\"1\",\"e\":9007199254740994,\"f\":0}";
    cJSON *tree = json_parse(text, sizeof(text) - 1);
    uint64_t value = 7;

    CHECK(json_get_uint(tree, "a", &value) && value == 9007199254740992);
    CHECK(json_get_uint(tree, "f", &value) && value == 0);
    for (const char *name = "bcdegA"; *name; name++)
        CHECK(!json_get_uint(tree, (char[]){*name, 0}, &value));
    CHECK_INT(value, 0);
    CHECK(!json_get_string(tree, "a") && !json_get_string(tree, "D"));
    CHECK_STR(json_get_string(tree, "d"), "1");
    cJSON_Delete(tree);
}

static void
paths_are_encoded_and_made_normal(void)
{
    static const char *const paths[][2] = {
        {"", "/"}, {"/", "/"}, {"/a", "/a"}, {"/a/", "/a/"},
        {"//a//b", "/a/b"}, {"/./a/.", "/a"}, {"/a/..", "/"},
        {"/a/../..", "/"}, {"/a/b/../c", "/a/c"}, {"/../a", "/a"},
        {"/a/./b/../../c/", "/c/"}, {"/...", "/..."}, {"/.a", "/.a"},
    };
    struct buf out;

    for (size_t i = 0; i < ROWS(paths); i++) {
        buf_init(&out, 256);
        uri_normalize(&out, paths[i][0]);
        CHECK_STR(text_of(&out), paths[i][1]);
        buf_deinit(&out);
    }
    buf_init(&out, 256);
    uri_encode(&out, "aZ09-._~/ +%*\xc3\xa9", 15, true);
    uri_encode(&out, "/", 1, false);
    CHECK_STR(text_of(&out), "aZ09-._~/%20%2B%25%2A%C3%A9%2F");
    buf_deinit(&out);
}

static void
one_event_is_one_line_whatever_its_values_hold(void)
{
    int pipes[2], saved = dup(STDERR_FILENO);
    char line[LOG_LINE_MAX + 1], huge[2000];
    ssize_t len;

    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    CHECK_INT(pipe(pipes), 0);
    CHECK(dup2(pipes[1], STDERR_FILENO) >= 0);
    log_setup(LOG_INFO, LOG_TEXT);
    log_debug("never_seen", );
    log_info("test", log_text("a", "b\nc\" \xe2\x80\xae"), log_int("n", -7),
             log_text("empty", ""), log_text("plain", "x/y"),
             log_text("huge", huge), );
    CHECK(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    len = read(pipes[0], line, sizeof(line) - 1);
    CHECK(len > 0);
    line[len] = '\0';
    CHECK(!strstr(line, "never_seen"));
    CHECK(strchr(line, '\n') == line + len - 1);
    CHECK(strstr(line, " info event=test a=\"b\\nc\\\" \\u202e\" n=-7 "
                       "empty=\"\" plain=x/y huge="));
    CHECK(len < 800); /* the huge one was cut */
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void
ids_are_version_7_and_come_back_from_text(void)
{
    static const char *const wrong[] = {
        "0123456789ab-cdef-0123-4567-89abcdef", /* dashes elsewhere */
        "g1234567-89ab-7def-8123-456789abcdef",
        "01234567-89ab-7def-8123-456789abcde-",
        "01234567 89ab-7def-8123-456789abcdef",
        "01234567-89ab-7def-8123-456789abcde ",
    };
    uint8_t id[16], last[16] = {0}, back[16];
    char text[UUID_SIZE];

    for (int64_t ms = 1767323045678; ms < 1767323045678 + 1000; ms++) {
        ids_uuid7(id, ms);
        CHECK_INT(id[6] >> 4, 7);
        CHECK_INT(id[8] >> 6, 2);
        CHECK(memcmp(last, id, sizeof(id)) < 0); /* later sorts behind */
        memcpy(last, id, sizeof(id));
        uuid_print(text, id);
        CHECK_INT(strlen(text), UUID_LEN);
        CHECK(uuid_parse(back, text));
        CHECK(!memcmp(back, id, sizeof(id)));
    }
    ids_uuid7(id, 1767323045678);
    uuid_print(text, id);
    text[13] = '\0';
    CHECK_STR(text, "019b7ca9-8f2e");
    CHECK(uuid_parse(back, "ABCDEF01-89ab-7def-8123-456789abcdef"));
    CHECK_INT(back[0], 0xab);
    for (size_t i = 0; i < ROWS(wrong); i++)
        CHECK(!uuid_parse(back, wrong[i]));
}

int
main(void)
{
    a_buffer_never_passes_its_limit_and_a_failed_append_changes_nothing();
    bytes_are_dropped_at_the_right_end();
    an_escaped_text_is_a_json_string_of_the_same_bytes();
    what_deceives_the_eye_is_escaped_for_people();
    what_is_read_is_one_document_and_not_too_deep();
    only_whole_numbers_that_a_double_holds_are_taken();
    paths_are_encoded_and_made_normal();
    one_event_is_one_line_whatever_its_values_hold();
    ids_are_version_7_and_come_back_from_text();
    return 0;
}
