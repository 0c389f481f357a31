/*
 * JSON where it lies: what is valid, where a member is, what a value equals.
 */
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/when.h"
#include "tests/check.h"

static struct slice
text(const char *bytes)
{
    return (struct slice){bytes, strlen(bytes)};
}

static void
only_rfc_8259_is_valid(void)
{
    static const char *const good[] = {
        "{}", "[]", " [1, -0.5e+3 ,\"\"] ", "true", "null", "0", "\"\\ud800\"",
        "{\"a\":{\"b\":[[]]},\"a\":1}", "\"\xf4\x8f\xbf\xbf\"", "\"\\u0000\"",
    };
    static const char *const bad[] = {
        "", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", ".5", "1e",
        "+1", "tru", "nul", "'a'", "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"",
        "[] []", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"", "\xef\xbb\xbf{}", "NaN", "[1 2]", "{\"a\" 1}",
    };
    char deep[80];

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        CHECK(jsonscan_valid(text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(!jsonscan_valid(text(bad[i])));
    CHECK(!jsonscan_valid((struct slice){"\"\0\"", 3}));

    for (int levels = 32; levels <= 33; levels++) {
        memset(deep, '[', (size_t)levels);
        memset(deep + levels, ']', (size_t)levels);
        deep[2 * levels] = '\0';
        CHECK_INT(jsonscan_valid(text(deep)), levels == 32);
    }
}

/* A document cut anywhere is neither valid nor read past its end. */
static void
a_cut_document_is_invalid(void)
{
    static const char whole[] =
        "{\"a\":[1.5e3,\"\\u00e9\xc3\xa9\",{\"b\":null}],\"c\":true}";
    struct slice value;

    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char *cut = malloc(len + !len);

        CHECK(cut);
        memcpy(cut, whole, len);
        CHECK(!jsonscan_valid((struct slice){cut, len}));
        (void)jsonscan_member((struct slice){cut, len}, SLICE("c"), &value);
        free(cut);
    }
    CHECK(jsonscan_valid(text(whole)));
}

static void
members_are_found_whole_and_by_unescaped_name(void)
{
    struct slice object =
        text("{\"x\":{\"a\":1}, \"\\u0061\" : [ 1 , {\"b\":2} ], \"a\":3}");
    struct slice value, element;

    CHECK(jsonscan_member(object, SLICE("a"), &value));
    CHECK(slice_is(value, "[ 1 , {\"b\":2} ]"));
    CHECK(jsonscan_element(value, 1, &element));
    CHECK(slice_is(element, "{\"b\":2}"));
    CHECK(!jsonscan_element(value, 2, &element));
    CHECK(!jsonscan_member(object, SLICE("b"), &value));
    CHECK(!jsonscan_member(text("{}"), SLICE("a"), &value));
    CHECK(!jsonscan_member(text("[]"), SLICE("a"), &value));
    CHECK(!jsonscan_element(text("[]"), 0, &value));
}

static void
several_members_are_found_in_one_look(void)
{
    struct jsonscan_field fields[] = {
        {.name = SLICE("b")}, {.name = SLICE("none")}, {.name = SLICE("a")}};

    CHECK_INT(jsonscan_fields(text("{\"a\":1,\"x\":{\"none\":0},\"b\":\"\","
                                   "\"a\":2}"),
                              fields, 3),
              2);
    CHECK(slice_is(fields[0].value, "\"\""));
    CHECK(!fields[1].value.data);
    CHECK(slice_is(fields[2].value, "1"));
    CHECK_INT(jsonscan_fields(text("{\"b\":1,\"none\":"), fields, 3), 1);
    CHECK(!fields[2].value.data);
    CHECK_INT(jsonscan_fields(text("[]"), fields, 3), 0);
    CHECK(!fields[0].value.data);
}

static void
numbers_are_read(void)
{
    double number;

    CHECK(jsonvalue_number(text("-1.5e1"), &number) && number == -15);
    CHECK(!jsonvalue_number(text("\"1\""), &number));
    CHECK(!jsonvalue_number(text("null"), &number));
    CHECK(!jsonvalue_number(text("1e999"), &number));
}

static void
values_are_compared_unescaped_and_fractions_as_numbers(void)
{
    CHECK(jsonvalue_equals(text("\"\\u00e9\\n\""), text("\xc3\xa9\n")));
    CHECK(jsonvalue_equals(text("\"\\ud83d\\ude00\""),
                           text("\xf0\x9f\x98\x80")));
    CHECK(!jsonvalue_equals(text("\"ab\""), text("a")));
    CHECK(!jsonvalue_equals(text("\"a\""), text("ab")));
    CHECK(jsonvalue_equals(text("10.50"), text("10.5")));
    CHECK(jsonvalue_equals(text("1e3"), text("1000")));
    CHECK(
        !jsonvalue_equals(text("9007199254740993"), text("9007199254740992")));
    CHECK(jsonvalue_equals(text("true"), text("true")));
    CHECK(!jsonvalue_equals(text("\"10.50\""), text("10.5")));
}

static void
moments_are_ago_or_rfc_3339(void)
{
    static const char *const bad[] = {"", "2h30", "30m2h", "h", "-1h", "2h 3m",
                                      "1w", "yesterday", "2026-01-02"};
    int64_t ms;

    CHECK(!when_parse("2h30m", 10000000, &ms));
    CHECK_INT(ms, 1000000);
    CHECK(!when_parse("1d1ms", 0, &ms));
    CHECK_INT(ms, -86400001);
    CHECK(!when_parse("2026-01-02T03:04:05.678Z", 0, &ms));
    CHECK_INT(ms, 1767323045678);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(when_parse(bad[i], 0, &ms) < 0);
}

int
main(void)
{
    only_rfc_8259_is_valid();
    a_cut_document_is_invalid();
    members_are_found_whole_and_by_unescaped_name();
    several_members_are_found_in_one_look();
    numbers_are_read();
    values_are_compared_unescaped_and_fractions_as_numbers();
    moments_are_ago_or_rfc_3339();
    return 0;
}
