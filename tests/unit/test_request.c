/*
 * Requests as RFC 9112 writes them are read, and what could be read in two
 * ways is refused; however the bytes arrive.
 */
#include "ingest/request.h"

#include "common/buf.h"
#include "ingest/request_line.h"
#include "tests/check.h"

#define ROWS(table) (sizeof(table) / sizeof(*(table)))
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define POST "POST /events HTTP/1.1\r\n" HOST

static struct request_head head;

/* The head in pieces of @step bytes; *@used is its length, where it is good. */
static enum problem
judge(const char *bytes, size_t len, size_t step, int64_t *used)
{
    enum problem problem = PROBLEM_NONE;
    size_t scanned = 0;

    *used = 0;
    for (size_t have = step < len ? step : len;;
         have = have + step < len ? have + step : len) {
        *used = request_scan(bytes, have, &scanned, &problem);
        if (*used < 0)
            return problem;
        CHECK_INT(problem, PROBLEM_NONE);
        if (*used > 0)
            return request_parse(&head, bytes, (size_t)*used);
        if (have == len)
            return PROBLEM_NONE;
    }
}

/* The same verdict, whole, byte by byte and in odd pieces. */
static enum problem
judge_any_way(const char *bytes, size_t len)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 1000};
    enum problem whole;
    int64_t used, again;

    whole = judge(bytes, len, len ? len : 1, &used);
    for (size_t i = 0; i < ROWS(steps); i++) {
        enum problem pieces = judge(bytes, len, steps[i], &again);

        if (pieces != whole)
            fprintf(stderr, "in pieces of %zu: %.*s\n", steps[i], (int)len,
                    bytes);
        CHECK_INT(pieces, whole);
        CHECK_INT(again, used);
    }
    (void)judge(bytes, len, len ? len : 1, &used);
    return whole;
}

static void
check_head(const char *text, enum problem wanted)
{
    enum problem problem = judge_any_way(text, strlen(text));

    if (problem != wanted)
        fprintf(stderr, "of the head: %s\n", text);
    CHECK_INT(problem, wanted);
}

static void
a_plain_head_is_read(void)
{
    static const char text[] = "POST /events?a=b?c HTTP/1.1\r\n"
                               "host: shop.example:8080\r\n"
                               "Content-Length:   12 \r\n"
                               "X-Empty:\r\nOrigin: https://a\r\n"
                               "ORIGIN: https://b\r\n\r\nmore";

    check_head(text, PROBLEM_NONE);
    CHECK_INT(head.method, REQUEST_POST);
    CHECK(slice_is(head.path, "/events"));
    CHECK(slice_is(head.query, "a=b?c"));
    CHECK(slice_is(head.host, "shop.example:8080"));
    CHECK_INT(head.body, REQUEST_LENGTH);
    CHECK_INT(head.length, 12);
    CHECK(head.keep_alive && !head.http_1_0 && !head.expect_continue);
    CHECK(slice_is(request_field(&head, "origin"), "https://a"));
    CHECK_INT(request_field_count(&head, "Origin"), 2);
    CHECK(request_field(&head, "x-empty").data);
    CHECK(!request_field(&head, "x-none").data);
}

/* A long one takes a way of its own past the parser. */
static void
a_token_is_read_whatever_its_length(void)
{
    static char text[REQUEST_HEAD_MAX + 64], token[4096];

    for (size_t len = 1; len < sizeof(token); len += len / 20 + 1) {
        memset(token, 'x', len);
        (void)sprintf(text,
                      GET "AUTHORIZATION:\t %.*s \r\nX: y\r\n"
                          "authorization:\r\nAuthorization:%.*s\r\n" HOST
                          "\r\n",
                      (int)len, token, (int)len, token);
        check_head(text, PROBLEM_NONE);
        CHECK_INT(head.field_count, 5);
        CHECK_INT(head.fields[0].value.len, len);
        CHECK(head.fields[0].value.data == strchr(text, 'x'));
        CHECK(slice_is(request_field(&head, "x"), "y"));
        CHECK_INT(head.fields[2].value.len, 0);
        CHECK_INT(head.fields[3].value.len, len);
        CHECK(slice_is(head.fields[3].name, "Authorization"));
        CHECK(slice_is(head.host, "a"));

        (void)sprintf(text, GET HOST "Authorization: %.*s\x01\r\n\r\n",
                      (int)len, token);
        check_head(text, PROBLEM_BAD_REQUEST);
        (void)sprintf(text, GET HOST "Authorization: %.*s\r\n x\r\n\r\n",
                      (int)len, token);
        check_head(text, PROBLEM_BAD_REQUEST);
    }
}

static void
what_a_server_must_take_is_taken(void)
{
    static const char *const texts[] = {
        GET HOST "\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "HEAD /healthz HTTP/1.1\r\n" HOST "\r\n",
        "DELETE /a HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS /events HTTP/1.1\r\n" HOST "\r\n",
        GET "Host: [::1]:80\r\n\r\n",
        GET "Host: a:\r\n\r\n",
        GET "Host: A-b_c.example\r\n\r\n",
        GET HOST "X: a\tb \xc3\xa9\r\n\r\n",
        POST "Content-Length: 0\r\n\r\n",
        POST "Content-Length: 0000000000000000001\r\n\r\n",
        POST "Transfer-Encoding: Chunked\r\n\r\n",
        POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
        GET HOST "Connection: close\r\n\r\n",
        "GET /a%20b!$&'()*+,;=:@ HTTP/1.1\r\n" HOST "\r\n",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_head(texts[i], PROBLEM_NONE);
}

static void
a_doubtful_head_is_refused(void)
{
    static const char *const texts[] = {
        /* the request line */
        "\r\n",
        "\n",
        " GET / HTTP/1.1\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/0.9\r\n" HOST "\r\n",
        "GET / HTTP/1.2\r\n" HOST "\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n",
        "GET / http/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1 \r\n" HOST "\r\n",
        "GET  / HTTP/1.1\r\n" HOST "\r\n",
        "GET /  HTTP/1.1\r\n" HOST "\r\n",
        "GET\t/ HTTP/1.1\r\n" HOST "\r\n",
        "GET http://a/ HTTP/1.1\r\n" HOST "\r\n",
        "GET * HTTP/1.1\r\n" HOST "\r\n",
        "GET a HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        "GET /#a HTTP/1.1\r\n" HOST "\r\n",
        "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
        "GET /\x7f HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\n" HOST "\r\n",
        "G(T / HTTP/1.1\r\n" HOST "\r\n",
        "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02",
        /* fields */
        GET "Host: a\n\r\n",
        GET HOST "\n",
        GET HOST "X: a\rb\r\n\r\n",
        GET HOST "X: a\r\n folded\r\n\r\n",
        GET HOST "X: a\r\n\tb\r\n\r\n",
        GET " Host: a\r\n\r\n",
        GET "Host : a\r\n\r\n",
        GET HOST ": a\r\n\r\n",
        GET HOST "X\r\n\r\n",
        GET HOST "X Y: a\r\n\r\n",
        GET HOST "X\x7f: a\r\n\r\n",
        GET HOST "X: \x01\r\n\r\n",
        GET HOST "X: \x7f\r\n\r\n",
        GET HOST "X\xc3\xa9: a\r\n\r\n",
        /* Host */
        GET "\r\n",
        GET "Host:\r\n\r\n",
        GET HOST HOST "\r\n",
        GET "Host: a,b\r\n\r\n",
        GET "Host: u@a\r\n\r\n",
        GET "Host: a/b\r\n\r\n",
        GET "Host: a b\r\n\r\n",
        GET "Host: a:x\r\n\r\n",
        GET "Host: a:123456\r\n\r\n",
        GET "Host: a%41\r\n\r\n",
        GET "Host: [::1\r\n\r\n",
        GET "Host: []\r\n\r\n",
        GET "Host: [g]\r\n\r\n",
        GET "Host: [::1]x\r\n\r\n",
        GET "Host: :80\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a b\r\n\r\n",
        /* framing */
        POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        POST "Content-Length: 1, 1\r\n\r\n",
        POST "Content-Length:\r\n\r\n",
        POST "Content-Length: +1\r\n\r\n",
        POST "Content-Length: -1\r\n\r\n",
        POST "Content-Length: 0x1\r\n\r\n",
        POST "Content-Length: 1 1\r\n\r\n",
        POST "Content-Length: 1a\r\n\r\n",
        POST "Content-Length: 18446744073709551616\r\n\r\n",
        POST "Content-Length: 00000000000000000001\r\n\r\n",
        POST "Transfer-Encoding:\r\n\r\n",
        POST "Transfer-Encoding: identity\r\n\r\n",
        POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
        POST "Transfer-Encoding: chunked, chunked\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
             "\r\n",
        POST "Transfer-Encoding: xchunked\r\n\r\n",
        POST "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
        GET HOST "Upgrade: h2c\r\n\r\n",
        GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_head(texts[i], PROBLEM_BAD_REQUEST);
    CHECK_INT(judge_any_way(GET "Host: a\0b\r\n\r\n", 29), PROBLEM_BAD_REQUEST);
    CHECK_INT(judge_any_way("GET /\0 HTTP/1.1\r\n" HOST "\r\n", 28),
              PROBLEM_BAD_REQUEST);
    check_head(POST "Expect: 200-ok\r\n\r\n", PROBLEM_EXPECTATION_FAILED);
    check_head(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
               PROBLEM_EXPECTATION_FAILED);
}

/* before, n times unit, after */
static enum problem
judge_repeated(const char *before, const char *unit, size_t n,
               const char *after)
{
    enum problem problem;
    struct buf text;

    buf_init(&text, 64 * 1024);
    (void)buf_puts(&text, before);
    for (size_t i = 0; i < n; i++)
        (void)buf_puts(&text, unit);
    CHECK_INT(buf_puts(&text, after), 0);
    problem = judge_any_way(text.data, text.len);
    buf_deinit(&text);
    return problem;
}

static void
a_bound_holds_at_its_very_number(void)
{
    const size_t room = REQUEST_HEAD_MAX - strlen(GET HOST "X: \r\n\r\n");

    CHECK_INT(judge_repeated("GET /", "a", REQUEST_TARGET_MAX - 1,
                             " HTTP/1.1\r\n" HOST "\r\n"),
              PROBLEM_NONE);
    CHECK_INT(judge_repeated("GET /", "a", REQUEST_TARGET_MAX,
                             " HTTP/1.1\r\n" HOST "\r\n"),
              PROBLEM_URI_TOO_LONG);
    CHECK_INT(judge_repeated("GET /", "a", 8000, ""), PROBLEM_URI_TOO_LONG);
    CHECK_INT(judge_repeated(GET HOST, "X: a\r\n", REQUEST_FIELDS_MAX - 1,
                             "\r\n"),
              PROBLEM_NONE);
    CHECK_INT(judge_repeated(GET HOST, "X: a\r\n", REQUEST_FIELDS_MAX, "\r\n"),
              PROBLEM_HEAD_TOO_LARGE);
    CHECK_INT(judge_repeated(GET HOST "X: ", "a", room, "\r\n\r\n"),
              PROBLEM_NONE);
    CHECK_INT(judge_repeated(GET HOST "X: ", "a", room + 1, "\r\n\r\n"),
              PROBLEM_HEAD_TOO_LARGE);
    CHECK_INT(judge_repeated(GET HOST "X: ", "a", 20000, ""),
              PROBLEM_HEAD_TOO_LARGE);
}

static void
an_unfinished_head_is_waited_for(void)
{
    static const char text[] = POST "Content-Length: 1\r\n\r\n";
    int64_t used;

    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        CHECK_INT(judge(text, cut, 1, &used), PROBLEM_NONE);
        CHECK_INT(used, 0);
    }
}

static void
connections_end_as_they_should(void)
{
    check_head("GET / HTTP/1.0\r\n\r\n", PROBLEM_NONE);
    CHECK(head.http_1_0 && !head.keep_alive);
    check_head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
               PROBLEM_NONE);
    CHECK(head.keep_alive);
    check_head(GET HOST "Connection: close\r\n\r\n", PROBLEM_NONE);
    CHECK(!head.keep_alive);
    check_head(POST "Content-Length: 1\r\nConnection: close\r\n\r\n",
               PROBLEM_NONE);
    CHECK(!head.keep_alive);
}

/* Return: what request_chunks_feed() used, in pieces of @step, or -1. */
static int64_t
decode(const char *bytes, size_t len, size_t step, struct buf *body, bool *done,
       enum problem *problem)
{
    struct request_chunks *chunks = request_chunks_new();
    int64_t used = 0, n = 0;

    CHECK(chunks);
    buf_clear(body);
    *done = false;
    *problem = PROBLEM_NONE;
    while ((size_t)used < len && !*done) {
        size_t piece = len - (size_t)used < step ? len - (size_t)used : step;

        n = request_chunks_feed(chunks, bytes + used, piece, body, done,
                                problem);
        if (n < 0)
            break;
        CHECK(*done || (size_t)n == piece);
        used += n;
    }
    request_chunks_free(chunks);
    return n < 0 ? -1 : used;
}

static void
check_chunks(const char *text, size_t limit, const char *wanted,
             enum problem wanted_problem, const char *left)
{
    static const size_t steps[] = {1, 2, 3, 5, 11, 100000};
    enum problem problem;
    struct buf body;
    bool done;

    buf_init(&body, limit);
    for (size_t i = 0; i < ROWS(steps); i++) {
        int64_t used =
            decode(text, strlen(text), steps[i], &body, &done, &problem);

        if (problem != wanted_problem)
            fprintf(stderr, "in pieces of %zu: %s\n", steps[i], text);
        CHECK_INT(problem, wanted_problem);
        CHECK_INT(used < 0, wanted_problem != PROBLEM_NONE);
        if (used < 0)
            continue;
        CHECK_INT(done, left != NULL);
        CHECK_INT(body.len, strlen(wanted));
        CHECK(!body.len || !memcmp(body.data, wanted, body.len));
        if (left)
            CHECK_STR(text + used, left);
    }
    buf_deinit(&body);
}

static void
chunks_are_put_together_and_nothing_behind_them_is_touched(void)
{
    check_chunks("0\r\n\r\n", 10, "", PROBLEM_NONE, "");
    check_chunks("3\r\nabc\r\n0\r\n\r\nGET /", 10, "abc", PROBLEM_NONE,
                 "GET /");
    check_chunks("3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\n", 13,
                 "abc0123456789", PROBLEM_NONE, "");
    check_chunks("1;a=b\r\nx\r\n0\r\n\r\n", 10, "x", PROBLEM_NONE, "");
    check_chunks("1\r\nx\r\n0\r\nX-Sum: a\r\nY:\r\n\r\nz", 10, "x",
                 PROBLEM_NONE, "z");
    check_chunks("3\r\nab", 10, "ab", PROBLEM_NONE, NULL);
    check_chunks("1\r\nx\r\n0\r\n", 10, "x", PROBLEM_NONE, NULL);
}

static void
doubtful_chunks_are_refused(void)
{
    static const char *const texts[] = {
        "x\r\n",
        "-1\r\n",
        "+1\r\nx\r\n",
        "0x1\r\nx\r\n",
        "1 \r\nx\r\n",
        " 1\r\nx\r\n",
        "\r\n",
        "1\nx\r\n",
        "1\r\nx\n0\r\n\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "10000000000000000\r\n",
        "ffffffffffffffffff\r\n",
        "1\r\nx0\r\n\r\n",
        "0\r\nContent-Length: 1\r\n\r\n",
        "0\r\nHost: a\r\n\r\n",
        "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\ncontent-type: a\r\n\r\n",
        "0\r\nAuthorization: a\r\n\r\n",
        "0\r\nX: a\r\n b\r\n\r\n",
        "0\r\nX : a\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX: a\n\r\n",
        "0\r\n\n",
        "0\r\nX: \x01\r\n\r\n",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_chunks(texts[i], 100, "", PROBLEM_BAD_REQUEST, NULL);
    check_chunks("5\r\nabcde\r\n0\r\n\r\n", 4, "", PROBLEM_BODY_TOO_LARGE,
                 NULL);
}

static void
what_comes_around_the_chunks_is_bounded(void)
{
    char text[REQUEST_TRAILER_MAX * 2];
    size_t len = (size_t)sprintf(text, "1;");

    memset(text + len, 'a', REQUEST_EXTENSIONS_MAX * 2);
    (void)sprintf(text + len + REQUEST_EXTENSIONS_MAX * 2,
                  "\r\nx\r\n0\r\n\r\n");
    check_chunks(text, 10, "", PROBLEM_BAD_REQUEST, NULL);

    for (int over = 0; over < 2; over++) {
        len = (size_t)sprintf(text, "0\r\nX: ");
        memset(text + len, 'a', REQUEST_TRAILER_MAX - 7 + (size_t)over);
        (void)sprintf(text + len + REQUEST_TRAILER_MAX - 7 + over, "\r\n\r\n");
        check_chunks(text, 10, "", over ? PROBLEM_BAD_REQUEST : PROBLEM_NONE,
                     over ? NULL : "");
    }
}

int
main(void)
{
    a_plain_head_is_read();
    a_token_is_read_whatever_its_length();
    what_a_server_must_take_is_taken();
    a_doubtful_head_is_refused();
    a_bound_holds_at_its_very_number();
    an_unfinished_head_is_waited_for();
    connections_end_as_they_should();
    chunks_are_put_together_and_nothing_behind_them_is_touched();
    doubtful_chunks_are_refused();
    what_comes_around_the_chunks_is_bounded();
    return 0;
}
