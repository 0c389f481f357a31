/*
 * JSON as RFC 8259 writes it is taken, and nothing else is; what is copied
 * are the sender's own bytes.
 */
#include "ingest/scan.h"

#include "common/buf.h"
#include "tests/check.h"

#include <stdlib.h>

/* A copy of just that length, so that a sanitizer sees a byte too far. */
static int
judge(const char *bytes, size_t len, struct scan_value *value)
{
    char *copy = malloc(len ? len : 1);
    int r;

    CHECK(copy);
    memcpy(copy, bytes, len);
    r = scan_document((struct slice){copy, len}, value);
    free(copy);
    return r;
}

static void
check_verdict(const char *bytes, size_t len, int wanted)
{
    struct scan_value value;
    int r = judge(bytes, len, &value);

    if (r != wanted)
        fprintf(stderr, "of the document: %.*s\n", (int)len, bytes);
    CHECK_INT(r, wanted);
}

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static void
what_the_rfc_allows_is_taken(void)
{
    static const char *const texts[] = {
        "null", "true", "false", "0", "-0", "1", "-1", "10", "0.5", "-0.0",
        "1e1", "1E1", "1e+1", "1e-1", "0e0", "1.5e300", "1e400",
        "9007199254740993", "123456789012345678901234567890", "\"\"", "[]",
        "{}", " [ ] ", "\t{\r\n}\n", "[1,2]", "[[],{}]", "{\"\":0}",
        "{\"a\":{\"a\":1}}", "[{\"a\":1},{\"a\":1}]", "{\"a\":1,\"A\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\\uABCD\\uabcd\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\u0000\"",
        "\"\\udc00\\ud800\"", "\"\x7f\"", "\"/\"", "\"\xc2\x80\"",
        "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"",
        "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"",
        "\"\xf4\x8f\xbf\xbf\"", "\"\xe2\x80\xa8\"", "\"01234567\xc3\xa9\"",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_verdict(texts[i], strlen(texts[i]), SCAN_FOUND);
}

static void
what_the_rfc_does_not_allow_is_refused(void)
{
    static const char *const texts[] = {
        "", " ", "007", "01", "-01", "2.", "2.e3", ".5", "-", "-a", "+1",
        "1e", "1e+", "1E-", "1e1.5", "0x10", "1_000", "1,", "NaN", "Infinity",
        "-Infinity", "nul", "nulL", "nullx", "TRUE", "tru", "'a'", "\"",
        "\"a", "\"\\", "\"\\\"", "\"\\a\"", "\"\\x41\"", "\"\\'\"",
        "\"\\u\"", "\"\\u004\"", "\"\\u00g0\"", "\"\\U0041\"", "\"\\u 041\"",
        "\"\\u-041\"", "\"\\ud800\\u\"", "\"\\ud800\\udc0\"", "\"\n\"",
        "\"\t\"", "\"\r\"", "\"\x1f\"", "\"01234567\x01\"", "[", "]", "[1",
        "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "[1}", "{1:2}", "{",
        "}", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":1,",
        "{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "{\"a\"::1}", "{\"a\":1]", "{a:1}", "{'a':1}", "{null:1}",
        "{\"a\":1}x", "{} {}", "[] []", "1 2", "null,", "// x\n1", "/**/1",
        "1 # x", "\f1", "\v1", "[\f]", "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "{\"\":1,\"\":2}", "a", "\\",
        "\\u0041", "[\"a\",\n4,", "undefined", "{\"a\":1}}", "[1]]",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_verdict(texts[i], strlen(texts[i]), SCAN_INVALID_JSON);
}

/* Eight bytes go at once; a control must be found at each place of them. */
static void
a_raw_control_is_refused_wherever_it_stands_in_a_string(void)
{
    char text[34];

    for (size_t at = 1; at < sizeof(text) - 1; at++)
        for (char c = 0; c <= 0x20; c++) {
            memset(text, 'a', sizeof(text));
            text[0] = text[sizeof(text) - 1] = '"';
            text[at] = c;
            check_verdict(text, sizeof(text),
                          c < 0x20 ? SCAN_INVALID_JSON : SCAN_FOUND);
        }
}

static void
a_raw_nul_is_refused_wherever_it_stands(void)
{
    check_verdict("\0", 1, SCAN_INVALID_JSON);
    check_verdict("1\0", 2, SCAN_INVALID_JSON);
    check_verdict("\"\0\"", 3, SCAN_INVALID_JSON);
    check_verdict("\"01234567\0\"", 11, SCAN_INVALID_JSON);
    check_verdict("\"\\\0\"", 4, SCAN_INVALID_JSON);
    check_verdict("[\0]", 3, SCAN_INVALID_JSON);
    check_verdict("{\"a\0\":1}", 8, SCAN_INVALID_JSON);
}

static void
every_class_of_wrong_utf8_is_told_as_such(void)
{
    static const char *const strings[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2\x7f",
        "\xc2\xc0", "\xdf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80",
        "\xe1", "\xe1\x80\x7f", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf1\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\xe9", "\xff\xfe",
    };
    char text[32];

    for (size_t i = 0; i < ROWS(strings); i++)
        /* before, across and behind the eight bytes that go at once */
        for (int before = 0; before < 9; before++) {
            int len = snprintf(text, sizeof(text), "\"%.*s%s\"", before,
                               "12345678", strings[i]);

            check_verdict(text, (size_t)len, SCAN_INVALID_UTF8);
        }
    check_verdict("[\xff]", 3, SCAN_INVALID_UTF8);
    check_verdict("\xff", 1, SCAN_INVALID_UTF8);
    check_verdict("{\"\xff\":1}", 7, SCAN_INVALID_UTF8);
    check_verdict("\xef\xbb\xbf{}", 5, SCAN_INVALID_JSON); /* a BOM */
}

static void
a_good_document_cut_anywhere_is_refused(void)
{
    static const char text[] = "{\"a\":[1,-2.5e+3,\"x\\n\\u00e9\xc3\xa9\","
                               "true,false,null,{}],\"b\":{\"c\":[[]]}}";
    struct scan_value value;

    for (size_t cut = 0; cut < sizeof(text) - 1; cut++)
        CHECK(judge(text, cut, &value) < 0);
    CHECK_INT(judge(text, sizeof(text) - 1, &value), SCAN_FOUND);
}

static void
thirty_two_levels_are_taken_and_not_one_more(void)
{
    static const char *const pairs[] = {"[]", "{}"};
    char text[SCAN_DEPTH_MAX * 6 + 8];

    for (size_t p = 0; p < 2; p++)
        for (int depth = 31; depth <= 34; depth++) {
            size_t len = 0;

            for (int i = 0; i < depth; i++) {
                text[len++] = pairs[p][0];
                if (p && i + 1 < depth) {
                    memcpy(text + len, "\"a\":", 4);
                    len += 4;
                }
            }
            for (int i = 0; i < depth; i++)
                text[len++] = pairs[p][1];
            check_verdict(text, len, depth <= SCAN_DEPTH_MAX
                                         ? SCAN_FOUND
                                         : SCAN_INVALID_JSON);
        }
}

static void
members_past_the_bound_are_told_and_none_below_it(void)
{
    char text[SCAN_MEMBERS_MAX * 10 + 32];

    for (int count = SCAN_MEMBERS_MAX - 1; count <= SCAN_MEMBERS_MAX + 1;
         count++) {
        size_t len = (size_t)sprintf(text, "[{");
        struct scan_value value;

        for (int i = 0; i < count; i++)
            len += (size_t)sprintf(text + len, "%s\"a%d\":1", i ? "," : "", i);
        len += (size_t)sprintf(text + len, "}]");
        CHECK_INT(judge(text, len, &value), SCAN_FOUND);
        CHECK_INT(value.crowded, count > SCAN_MEMBERS_MAX);
    }
}

static void
a_string_says_what_its_escapes_hide(void)
{
    static const struct {
        const char *text;
        size_t points;
        bool escaped, odd;
    } rows[] = {
        {"\"\"", 0, false, false},
        {"\"abc\"", 3, false, false},
        {"\"123456789\"", 9, false, false},
        {"\"\xf0\x9f\x98\x80\"", 1, false, false},
        {"\"12345678\xc3\xa9\"", 9, false, false},
        {"\"\\n\\u0041\"", 2, true, false},
        {"\"\\ud83d\\ude00\"", 1, true, false},
        {"\"\\u0000\"", 1, true, true},
        {"\"\\u0001\"", 1, true, false},
        {"\"\\ud800\"", 1, true, true},
        {"\"\\udfff\"", 1, true, true},
        {"\"\\ud800x\"", 2, true, true},
        {"\"\\ud800\\ud800\\udc00\"", 2, true, true},
        {"\"\\ud800\\n\"", 2, true, true},
        {"\"\\\\u0000\"", 6, true, false},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct scan_value value;

        CHECK_INT(judge(rows[i].text, strlen(rows[i].text), &value),
                  SCAN_FOUND);
        CHECK_INT(value.points, rows[i].points);
        CHECK_INT(value.escaped, rows[i].escaped);
        CHECK_INT(value.odd, rows[i].odd);
    }
}

static void
what_is_odd_deep_inside_is_told_at_the_top(void)
{
    struct scan_value value;

    CHECK_INT(judge("[{\"a\":[\"\\u0000\"]}]", 18, &value), SCAN_FOUND);
    CHECK(value.odd);
    CHECK_INT(judge("[{\"\\u0061\":[1]}]", 16, &value), SCAN_FOUND);
    CHECK(value.odd); /* a name with an escape may be another's twin */
    CHECK_INT(judge("[{\"a\":[\"\\n\"]}]", 14, &value), SCAN_FOUND);
    CHECK(!value.odd);
}

static void
copies_lose_white_space_outside_strings_and_no_other_byte(void)
{
    static const struct {
        const char *text, *copy;
    } rows[] = {
        {"[ 1 ,\t2\r\n]", "[1,2]"},
        {"{ \"a b\" : \" c \\\" d \" }", "{\"a b\":\" c \\\" d \"}"},
        {"[ \"\\\\\" , \" \" ]", "[\"\\\\\",\" \"]"},
        {"[9007199254740993, 1e400,-0,1.10]",
         "[9007199254740993,1e400,-0,1.10]"},
        {"[\"\\u00E9\\/ \", \"\xf0\x9f\x98\x80\"]",
         "[\"\\u00E9\\/ \",\"\xf0\x9f\x98\x80\"]"},
        {"[[ [ ] ],{ } ]", "[[[]],{}]"},
        {"[\"a  b\"]", "[\"a  b\"]"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct slice text = {rows[i].text, strlen(rows[i].text)};
        struct scan_value value;
        struct buf out;

        buf_init(&out, 1024);
        CHECK_INT(scan_document(text, &value), SCAN_FOUND);
        scan_copy(&out, &value);
        CHECK_INT(buf_putc(&out, '\0'), 0);
        CHECK_STR(out.data, rows[i].copy);
        buf_deinit(&out);
    }
}

static void
members_come_one_by_one_and_what_follows_is_seen(void)
{
    struct scan_value value;
    struct slice name;
    struct scan scan;
    bool escaped;

    CHECK_INT(scan_open(&scan, SLICE(" 7")), SCAN_END);
    CHECK_INT(scan_open(&scan, SLICE("")), SCAN_END);
    CHECK_INT(scan_open(&scan, SLICE(" {\"a\":1 , \"\\u0062\":[2]} x")),
              SCAN_FOUND);
    CHECK_INT(scan_next(&scan, &name, &escaped, &value), SCAN_FOUND);
    CHECK(slice_is(name, "a") && !escaped && slice_is(value.bytes, "1"));
    CHECK_INT(scan_next(&scan, &name, &escaped, &value), SCAN_FOUND);
    CHECK(slice_is(name, "\\u0062") && escaped);
    CHECK(value.kind == SCAN_ARRAY && slice_is(value.bytes, "[2]"));
    CHECK_INT(scan_next(&scan, &name, &escaped, &value), SCAN_END);
    CHECK(!scan_is_end(scan.at, scan.end));
}

int
main(void)
{
    what_the_rfc_allows_is_taken();
    what_the_rfc_does_not_allow_is_refused();
    a_raw_control_is_refused_wherever_it_stands_in_a_string();
    a_raw_nul_is_refused_wherever_it_stands();
    every_class_of_wrong_utf8_is_told_as_such();
    a_good_document_cut_anywhere_is_refused();
    thirty_two_levels_are_taken_and_not_one_more();
    members_past_the_bound_are_told_and_none_below_it();
    a_string_says_what_its_escapes_hide();
    what_is_odd_deep_inside_is_told_at_the_top();
    copies_lose_white_space_outside_strings_and_no_other_byte();
    members_come_one_by_one_and_what_follows_is_seen();
    return 0;
}
