/*
 * An event's every rule, by the code and the pointer that it is refused with;
 * what is taken is kept as it was sent, and the server's own values win.
 */
#include "ingest/event.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "common/line.h"
#include "tests/check.h"

#include <errno.h>

#define RECEIVED INT64_C(1767323045678) /* 2026-01-02T03:04:05.678Z */
#define WHO "\"clientId\":\"client-01\",\"sessionId\":\"session-1\""
#define VIEW "\"eventName\":\"page_view\"," WHO
#define HEAD                                                                  \
    LINE_PREFIX "\"eventId\":\"01020304-0506-0708-090a-0b0c0d0e0f10\""
#define TIME ",\"eventTimestamp\":\"2026-01-02T03:04:05.678Z\""
#define TAIL TIME ",\"sourceIp\":\"full\"}\n"

static const uint8_t fresh[16] = {1, 2,  3,  4,  5,  6,  7,  8,
                                  9, 10, 11, 12, 13, 14, 15, 16};
static struct catalog *catalog;
static struct event_error error;
static struct event_made made;
static struct buf out;

static int
make(const char *json, size_t len, bool keep_unknown)
{
    struct event_rules rules = {.catalog = catalog,
                                .keep_unknown = keep_unknown};
    struct event_server server = {
        .fields = SLICE("\"sourceIp\":\"full\""),
        .anonymous = SLICE("\"sourceIp\":\"none\""),
        .received_ms = RECEIVED,
    };

    struct event_text text = {{json, len}, false};

    buf_clear(&out);
    return event_make(&rules, &text, &server, fresh, &out, &made, &error);
}

static void
check_line(const char *json, bool keep_unknown, const char *line)
{
    int r = make(json, strlen(json), keep_unknown);

    if (r)
        fprintf(stderr, "%s: %s at %s\n", json, error.code, error.pointer);
    CHECK_INT(r, 0);
    CHECK_INT(made.at, 0);
    CHECK_INT(made.len, out.len);
    CHECK_INT(buf_putc(&out, '\0'), 0);
    CHECK_STR(out.data, line);
}

static void
check_refused(const char *json, bool keep_unknown, const char *code,
              const char *pointer)
{
    int r = make(json, strlen(json), keep_unknown);

    if (r != EVENT_REFUSED)
        fprintf(stderr, "taken: %s\n", json);
    CHECK_INT(r, EVENT_REFUSED);
    CHECK_STR(error.code, code);
    CHECK_STR(error.pointer, pointer);
    CHECK_INT(out.len, 0);
}

static void
what_is_taken_is_spooled_byte_for_byte(void)
{
    check_line("{" VIEW "}", false,
               HEAD ",\"eventName\":\"page_view\"," WHO TAIL);
    /* the order sent, escapes, emoji, numbers that no double holds */
    check_line(" { \"title\" : \"a\\u00E9 \\/ \xf0\x9f\x98\x80  b\" ,\n" VIEW
               ", \"props\" : { \"a\" : 9007199254740993 , \"b\" : 1e400 ,"
               " \"c\" : -0 , \"d\" : 1.10 , \"e\" : true } } ",
               false,
               HEAD ",\"title\":\"a\\u00E9 \\/ \xf0\x9f\x98\x80  b\","
                    "\"eventName\":\"page_view\"," WHO
                    ",\"props\":{\"a\":9007199254740993,\"b\":1e400,"
                    "\"c\":-0,\"d\":1.10,\"e\":true}" TAIL);
    check_line("{\"eventName\":\"add_to_cart\"," WHO ",\"productId\":\"p\","
               "\"items\":[ {\"price\" : 1.50} , { } ]}",
               false,
               HEAD ",\"eventName\":\"add_to_cart\"," WHO
                    ",\"productId\":\"p\",\"items\":[{\"price\":1.50},{}]"
                    TAIL);
    check_line("{" VIEW ",\"deep\":{\"a\": [ 1, {\"b\": null} ]}}", true,
               HEAD ",\"eventName\":\"page_view\"," WHO
                    ",\"deep\":{\"a\":[1,{\"b\":null}]}" TAIL);
}

static void
a_null_counts_as_absent(void)
{
    check_line("{" VIEW ",\"title\":null,\"nobody\":null,\"eventId\":null,"
               "\"eventTimestamp\":null,\"props\":{\"a\":null,\"b\":1}}",
               false,
               HEAD ",\"eventName\":\"page_view\"," WHO
                    ",\"props\":{\"b\":1}" TAIL);
    check_refused("{\"eventName\":null," WHO "}", false, "missing_field",
                  "/eventName");
    check_refused("{\"eventName\":\"product_view\"," WHO
                  ",\"productId\":null}",
                  false, "missing_field", "/productId");
}

static void
the_servers_own_values_win(void)
{
    check_line("{" VIEW ",\"userId\":\"u\",\"userLoginState\":1,"
               "\"identitySource\":{},\"path\":[],\"method\":\"GET\","
               "\"statusCode\":200,\"latencyMs\":1,\"userAgent\":\"x\","
               "\"sourceIp\":\"6.6.6.6\",\"requestId\":\"r\"}",
               true, HEAD ",\"eventName\":\"page_view\"," WHO TAIL);
}

static void
names_that_are_ours_are_never_a_clients(void)
{
    static const char *const names[] = {"ts",          "logCategory",
                                        "clockSkewed", "receivedAt",
                                        "_crc",        "_segment",
                                        "_",           "_x"};
    char json[256], pointer[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (int keep = 0; keep < 2; keep++) {
            (void)snprintf(json, sizeof(json), "{" VIEW ",\"%s\":1}",
                           names[i]);
            (void)snprintf(pointer, sizeof(pointer), "/%s", names[i]);
            check_refused(json, keep, "unknown_field", pointer);
        }
    /* nor by an escape: "ts" in another spelling */
    check_refused("{" VIEW ",\"\\u0074s\":1}", true, "bad_format",
                  "/\\u0074s");
    check_refused("{" VIEW ",\"\\u005fcrc\":1}", false, "unknown_field",
                  "/\\u005fcrc");
}

static void
a_guest_without_consent_leaves_no_address(void)
{
    static const char guest[] = "{\"eventName\":\"page_view\","
                                "\"clientId\":\"anon-123\","
                                "\"sessionId\":\"session-1\"}";

    CHECK_INT(make(guest, sizeof(guest) - 1, false), 0);
    CHECK(memmem(out.data, out.len, "\"none\"", 6));
    CHECK(!memmem(out.data, out.len, "\"full\"", 6));
    check_line("{\"eventName\":\"page_view\",\"clientId\":\"anonymous\","
               "\"sessionId\":\"anon-1234\"}", false,
               HEAD ",\"eventName\":\"page_view\",\"clientId\":\"anonymous\""
                    ",\"sessionId\":\"anon-1234\"" TAIL);
}

static void
every_rule_has_its_code_and_its_place(void)
{
    static const struct {
        const char *json, *code, *pointer;
    } rows[] = {
        {"", "invalid_json", ""},
        {"{", "invalid_json", ""},
        {"{" VIEW "}x", "invalid_json", ""},
        {"{" VIEW ",\"title\":\"\xff\"}", "invalid_utf8", ""},
        {"{\"price\":-1," VIEW ",\"title\":\"\xff\"}", "invalid_utf8", ""},
        {"{\"price\":-1," VIEW ",}", "invalid_json", ""},
        {"{" VIEW ",\"title\":\"a\",\"title\":\"b\"}", "invalid_json", ""},
        {"[]", "wrong_type", ""},
        {"7", "wrong_type", ""},
        {"null", "wrong_type", ""},
        {"{}", "missing_field", "/eventName"},
        {"{" WHO "}", "missing_field", "/eventName"},
        {"{\"eventName\":\"page_view\",\"sessionId\":\"session-1\"}",
         "missing_field", "/clientId"},
        {"{\"eventName\":\"page_view\",\"clientId\":\"client-01\"}",
         "missing_field", "/sessionId"},
        {"{\"eventName\":\"Page_view\"," WHO "}", "unknown_event",
         "/eventName"},
        {"{\"eventName\":\"\"," WHO "}", "unknown_event", "/eventName"},
        {"{\"eventName\":1," WHO "}", "wrong_type", "/eventName"},
        {"{\"eventName\":\"page\\u005fview\"," WHO "}", "bad_format",
         "/eventName"},
        {"{\"eventName\":\"page_view\",\"clientId\":\"1234567\"}",
         "bad_format", "/clientId"},
        {"{\"eventName\":\"page_view\",\"clientId\":12345678}", "wrong_type",
         "/clientId"},
        {"{\"sessionId\":\"with space\"}", "bad_format", "/sessionId"},
        {"{\"sessionId\":\"caf\xc3\xa9-12345\"}", "bad_format", "/sessionId"},
        {"{" VIEW ",\"eventId\":\"x\"}", "bad_format", "/eventId"},
        {"{" VIEW ",\"eventId\":1}", "wrong_type", "/eventId"},
        {"{" VIEW ",\"eventId\":\"0102030405060708090a0b0c0d0e0f1000000\"}",
         "bad_format", "/eventId"},
        {"{\"eventName\":\"product_view\"," WHO "}", "missing_field",
         "/productId"},
        {"{\"eventName\":\"add_to_cart\"," WHO "}", "missing_field",
         "/productId"},
        {"{" VIEW ",\"price\":-0.01}", "out_of_range", "/price"},
        {"{" VIEW ",\"price\":1000000000.1}", "out_of_range", "/price"},
        {"{" VIEW ",\"price\":1e10}", "out_of_range", "/price"},
        {"{" VIEW ",\"price\":1e400}", "out_of_range", "/price"},
        {"{" VIEW ",\"price\":\"1\"}", "wrong_type", "/price"},
        {"{" VIEW ",\"price\":true}", "wrong_type", "/price"},
        {"{" VIEW ",\"quantity\":0}", "out_of_range", "/quantity"},
        {"{" VIEW ",\"quantity\":1000001}", "out_of_range", "/quantity"},
        {"{" VIEW ",\"quantity\":1.0}", "wrong_type", "/quantity"},
        {"{" VIEW ",\"quantity\":1e1}", "wrong_type", "/quantity"},
        {"{" VIEW ",\"currency\":\"eur\"}", "bad_format", "/currency"},
        {"{" VIEW ",\"currency\":\"EURO\"}", "bad_format", "/currency"},
        {"{" VIEW ",\"urlPath\":\"a\"}", "bad_format", "/urlPath"},
        {"{" VIEW ",\"urlPath\":\"\"}", "bad_format", "/urlPath"},
        {"{" VIEW ",\"title\":\"a\\u0000\"}", "bad_format", "/title"},
        {"{" VIEW ",\"title\":\"\\ud800\"}", "bad_format", "/title"},
        {"{" VIEW ",\"title\":[]}", "wrong_type", "/title"},
        {"{" VIEW ",\"nobody\":1}", "unknown_field", "/nobody"},
        {"{" VIEW ",\"a/b~c\":1}", "unknown_field", "/a~1b~0c"},
        {"{" VIEW ",\"Title\":\"a\"}", "unknown_field", "/Title"},
        {"{" VIEW ",\"items\":[]}", "unknown_field", "/items"},
        {"{\"items\":{}}", "wrong_type", "/items"},
        {"{\"items\":[{},1]}", "wrong_type", "/items/1"},
        {"{\"items\":[{},{\"price\":-1}]}", "out_of_range", "/items/1/price"},
        {"{\"items\":[{\"title\":\"a\"}]}", "unknown_field",
         "/items/0/title"},
        {"{\"items\":[{\"items\":[]}]}", "unknown_field", "/items/0/items"},
        {"{\"items\":[{\"name\":\"\\u0000\"}]}", "bad_format",
         "/items/0/name"},
        {"{\"props\":[]}", "wrong_type", "/props"},
        {"{\"props\":{\"a\":{}}}", "wrong_type", "/props/a"},
        {"{\"props\":{\"a b\":1}}", "bad_format", "/props/a b"},
        {"{\"props\":{\"\":1}}", "bad_format", "/props/"},
        {"{\"props\":{\"\\u0061\":1}}", "bad_format", "/props/\\u0061"},
        {"{\"props\":{\"a\":\"\\udc00\"}}", "bad_format", "/props/a"},
        {"{" VIEW ",\"eventTimestamp\":\"2026-01-02\"}", "bad_format",
         "/eventTimestamp"},
        {"{" VIEW ",\"eventTimestamp\":-1}", "out_of_range",
         "/eventTimestamp"},
        {"{" VIEW ",\"eventTimestamp\":1.5}", "out_of_range",
         "/eventTimestamp"},
        {"{" VIEW ",\"eventTimestamp\":1e12}", "out_of_range",
         "/eventTimestamp"},
        {"{" VIEW ",\"eventTimestamp\":99999999999999999999}",
         "out_of_range", "/eventTimestamp"},
        {"{" VIEW ",\"eventTimestamp\":true}", "wrong_type",
         "/eventTimestamp"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check_refused(rows[i].json, false, rows[i].code, rows[i].pointer);
}

/* @n times @unit, with commas between where it is a list; # counts. */
static void
check_repeated(const char *before, const char *unit, size_t n, bool list,
               const char *after, const char *code, const char *pointer)
{
    struct buf json;
    int r;

    buf_init(&json, 1024 * 1024);
    (void)buf_puts(&json, before);
    for (size_t i = 0; i < n; i++) {
        if (list && i)
            (void)buf_putc(&json, ',');
        for (const char *c = unit; *c; c++)
            (void)(*c == '#' ? buf_number(&json, i) : buf_putc(&json, *c));
    }
    CHECK_INT(buf_puts(&json, after), 0);
    r = make(json.data, json.len, true);
    CHECK_INT(r, code ? EVENT_REFUSED : 0);
    if (code) {
        CHECK_STR(error.code, code);
        CHECK_STR(error.pointer, pointer);
    }
    buf_deinit(&json);
}

static void
a_bound_holds_at_its_very_number(void)
{
    static const char cart[] =
        "{\"eventName\":\"add_to_cart\"," WHO ",\"productId\":\"p\",";
    char before[160];

    check_repeated("{" VIEW ",\"title\":\"", "\\u00e9", 2048, false, "\"}",
                   NULL, NULL);
    check_repeated("{" VIEW ",\"title\":\"", "\xc3\xa9", 2049, false, "\"}",
                   "too_long", "/title");
    check_repeated("{" VIEW ",\"orderId\":\"", "x", 128, false, "\"}", NULL,
                   NULL);
    check_repeated("{" VIEW ",\"orderId\":\"", "x", 129, false, "\"}",
                   "too_long", "/orderId");
    (void)snprintf(before, sizeof(before), "%s\"items\":[", cart);
    check_repeated(before, "{}", 50, true, "]}", NULL, NULL);
    check_repeated(before, "{}", 51, true, "]}", "too_long", "/items");
    check_repeated("{" VIEW ",\"props\":{", "\"a#\":1", 20, true, "}}",
                   NULL, NULL);
    check_repeated("{" VIEW ",\"props\":{", "\"a#\":1", 21, true, "}}",
                   "too_long", "/props");
    check_repeated("{" VIEW ",\"props\":{\"", "a", 40, false, "\":1}}", NULL,
                   NULL);
    check_repeated("{" VIEW ",\"props\":{\"", "a", 41, false, "\":1}}",
                   "bad_format",
                   "/props/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    check_repeated("{\"eventName\":\"page_view\",\"sessionId\":\"session-1\","
                   "\"clientId\":\"", "a", 64, false, "\"}", NULL, NULL);
    check_repeated("{\"eventName\":\"page_view\",\"sessionId\":\"session-1\","
                   "\"clientId\":\"", "a", 65, false, "\"}", "bad_format",
                   "/clientId");
    check_repeated("{" VIEW ",\"mine\":\"", "x", EVENT_UNKNOWN_BYTES_MAX - 2,
                   false, "\"}", NULL, NULL);
    check_repeated("{" VIEW ",\"mine\":\"", "x", EVENT_UNKNOWN_BYTES_MAX - 1,
                   false, "\"}", "too_long", "/mine");
    check_repeated("{" VIEW ",", "\"a#\":1", 61, true, "}", NULL, NULL);
    check_repeated("{" VIEW ",", "\"a#\":1", 62, true, "}", "too_long", "");
    check_line("{" VIEW ",\"price\":1e9,\"value\":0,\"quantity\":1000000}",
               false,
               HEAD ",\"eventName\":\"page_view\"," WHO
                    ",\"price\":1e9,\"value\":0,\"quantity\":1000000" TAIL);
}

static void
a_time_is_rewritten_and_skew_is_told(void)
{
    static const struct {
        const char *sent, *kept;
        bool skewed;
    } rows[] = {
        {"\"2026-01-02T03:04:05.678Z\"", "2026-01-02T03:04:05.678Z", false},
        {"\"2026-01-02T04:04:05.678999+01:00\"", "2026-01-02T03:04:05.678Z",
         false},
        {"\"2026-01-02t03:04:05z\"", "2026-01-02T03:04:05.000Z", false},
        {"1767323045678", "2026-01-02T03:04:05.678Z", false},
        {"1767409445678", "2026-01-03T03:04:05.678Z", false}, /* 24 h */
        {"1767409445679", "2026-01-03T03:04:05.679Z", true},
        {"1767236645678", "2026-01-01T03:04:05.678Z", false},
        {"1767236645677", "2026-01-01T03:04:05.677Z", true},
        {"0", "1970-01-01T00:00:00.000Z", true},
        {"253402300799999", "9999-12-31T23:59:59.999Z", true},
    };
    char json[256], line[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        (void)snprintf(json, sizeof(json), "{\"eventTimestamp\":%s," VIEW "}",
                       rows[i].sent);
        (void)snprintf(line, sizeof(line),
                       HEAD ",\"eventName\":\"page_view\"," WHO
                            ",\"eventTimestamp\":\"%s\"%s,"
                            "\"sourceIp\":\"full\"}\n",
                       rows[i].kept,
                       rows[i].skewed ? ",\"clockSkewed\":true" : "");
        check_line(json, false, line);
    }
    check_refused("{" VIEW ",\"eventTimestamp\":253402300800000}", false,
                  "out_of_range", "/eventTimestamp");
}

static void
an_id_is_kept_as_sent_and_compared_as_bytes(void)
{
    check_line("{" VIEW ",\"eventId\":\"ABCDEF01-0506-0708-090A-0b0c0d0e0f10\""
               "}", false,
               LINE_PREFIX
               "\"eventId\":\"ABCDEF01-0506-0708-090A-0b0c0d0e0f10\""
               ",\"eventName\":\"page_view\"," WHO TAIL);
    CHECK_INT(made.id[0], 0xab);
    CHECK_INT(made.id[15], 0x10);
}

static void
a_line_can_be_sealed_and_the_buffer_is_whole_when_it_cannot(void)
{
    static const char json[] = "{" VIEW "}";
    struct event_rules rules = {.catalog = catalog};
    struct event_server server = {.received_ms = RECEIVED};
    struct buf small;
    size_t len;

    CHECK_INT(make(json, sizeof(json) - 1, false), 0);
    line_seal(out.data, out.len, RECEIVED);
    CHECK(line_ok(out.data, out.len));
    CHECK_INT(make(json, sizeof(json) - 1, false), 0);
    len = out.len - strlen("\"sourceIp\":\"full\"");

    for (size_t limit = 3; limit <= len + 3; limit++) {
        struct event_text text = {{json, sizeof(json) - 1}, false};
        int r;

        buf_init(&small, limit);
        CHECK_INT(buf_puts(&small, "abc"), 0);
        r = event_make(&rules, &text, &server, fresh, &small, &made, &error);
        CHECK_INT(r, limit < len + 3 ? -ENOBUFS : 0);
        CHECK_INT(small.len, r ? 3 : len + 3);
        CHECK(!memcmp(small.data, "abc", 3));
        buf_deinit(&small);
    }
}

/* An element of an array ends where it ends, good or not; alone, nothing but
 * white space may follow. */
static void
an_event_is_cut_to_its_own_bytes(void)
{
    static const struct {
        const char *json, *own, *code; /* own: NULL where nobody can tell */
    } rows[] = {
        {"{" VIEW "},{\"a\":", "{" VIEW "}", NULL},
        {"{" VIEW "}\xff", "{" VIEW "}", NULL},
        {"{\"a\":[{}]} ]", "{\"a\":[{}]}", "unknown_field"},
        {"\"a\" , 7", "\"a\"", "wrong_type"},
        {"[[]],", "[[]]", "wrong_type"},
        {"{" VIEW ",]", NULL, "invalid_json"},
        {",", NULL, "invalid_json"},
        {"", NULL, "invalid_json"},
        {"{\"a\":\"\xff\"},", NULL, "invalid_utf8"},
    };
    struct event_rules rules = {.catalog = catalog};
    struct event_server server = {.received_ms = RECEIVED};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len = strlen(rows[i].json);
        struct event_text text = {{rows[i].json, len}, true};
        int r;

        buf_clear(&out);
        r = event_make(&rules, &text, &server, fresh, &out, &made, &error);
        CHECK_INT(r, rows[i].code ? EVENT_REFUSED : 0);
        if (rows[i].code)
            CHECK_STR(error.code, rows[i].code);
        CHECK_INT(text.json.len, rows[i].own ? strlen(rows[i].own) : len);
        if (!rows[i].code)
            check_refused(rows[i].json, false, "invalid_json", "");
    }
}

int
main(void)
{
    char why[CATALOG_WHY_SIZE];

    CHECK_INT(catalog_parse(&catalog, catalog_builtin,
                            strlen(catalog_builtin), why), 0);
    buf_init(&out, 1024 * 1024);
    what_is_taken_is_spooled_byte_for_byte();
    a_null_counts_as_absent();
    the_servers_own_values_win();
    names_that_are_ours_are_never_a_clients();
    a_guest_without_consent_leaves_no_address();
    every_rule_has_its_code_and_its_place();
    a_bound_holds_at_its_very_number();
    a_time_is_rewritten_and_skew_is_told();
    an_id_is_kept_as_sent_and_compared_as_bytes();
    an_event_is_cut_to_its_own_bytes();
    a_line_can_be_sealed_and_the_buffer_is_whole_when_it_cannot();
    buf_deinit(&out);
    catalog_free(catalog);
    return 0;
}
