#include "ingest/request.h"

#include "ingest/request_line.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>

#if !LLHTTP_STRICT_MODE
#error "llhttp must be strict: loose, it lets requests be smuggled"
#endif

int64_t
request_scan(const char *bytes, size_t len, size_t *scanned,
             enum problem *problem)
{
    *problem = PROBLEM_NONE;
    for (size_t at = *scanned; at < len;) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        struct slice line = {bytes + at, len - at};

        /* First what a part of the line tells already, so that the verdict
         * is the same however the bytes arrive. */
        if (newline)
            line.len = (size_t)(newline - line.data);
        *problem = request_line_begins(line, at == 0);
        if (*problem || !newline)
            break;
        line.len++;
        if (at + line.len > REQUEST_HEAD_MAX)
            break;
        *problem = request_line_judge(line, at == 0);
        if (*problem)
            break;

        at += line.len;
        *scanned = at;
        if (line.len == 2)
            return (int64_t)at;
    }

    if (!*problem && len > REQUEST_HEAD_MAX)
        *problem = PROBLEM_HEAD_TOO_LARGE;
    return *problem ? -1 : 0;
}

struct parsing {
    struct request_head *head;
    struct slice unseen; /* the value that llhttp was not shown, or none */
};

/* llhttp gives spans; shown no less than a line at a time, each is one piece.
 */
static int
on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct request_head *head = ((struct parsing *)parser->data)->head;

    head->path = (struct slice){at, len};
    return 0;
}

static int
on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct request_head *head = ((struct parsing *)parser->data)->head;

    if (head->field_count == REQUEST_FIELDS_MAX)
        return -1;
    head->fields[head->field_count].name = (struct slice){at, len};
    head->fields[head->field_count].value = (struct slice){at + len, 0};
    return 0;
}

static int
on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct request_head *head = ((struct parsing *)parser->data)->head;

    head->fields[head->field_count].value = slice_trim((struct slice){at, len});
    return 0;
}

static int
on_value_complete(llhttp_t *parser)
{
    struct parsing *parsing = parser->data;
    struct request_head *head = parsing->head;

    if (parsing->unseen.data)
        head->fields[head->field_count].value = slice_trim(parsing->unseen);
    parsing->unseen.data = NULL;
    head->field_count++;
    return 0;
}

/* Behind a message without a body the parser forgets its flags. */
static int
on_headers_complete(llhttp_t *parser)
{
    struct request_head *head = ((struct parsing *)parser->data)->head;

    head->keep_alive = llhttp_should_keep_alive(parser);
    return 0;
}

static const llhttp_settings_t head_settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
};

/* Return: the value of a line that llhttp need not see, or none: it looks at
 * each byte on its own, and a token is a thousand that mean nothing to it.
 * That they are text is known from request_scan(). */
static struct slice
opaque_value(struct slice line)
{
    static const char name[] = "authorization:";
    enum { NAME_LEN = sizeof(name) - 1 };

    if (line.len < 128 || strncasecmp(line.data, name, NAME_LEN))
        return (struct slice){NULL, 0};
    return (struct slice){line.data + NAME_LEN,
                          line.len - NAME_LEN - (sizeof("\r\n") - 1)};
}

static enum llhttp_errno
show(llhttp_t *parser, struct parsing *parsing, struct slice head)
{
    const char *shown = head.data, *end = head.data + head.len, *next;
    enum llhttp_errno error;
    struct slice value;

    for (const char *line = head.data; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        value = opaque_value((struct slice){line, (size_t)(next - line)});
        if (!value.data)
            continue;
        error = llhttp_execute(parser, shown, (size_t)(value.data - shown));
        if (error)
            return error;
        parsing->unseen = value;
        shown = value.data + value.len;
    }
    return llhttp_execute(parser, shown, (size_t)(end - shown));
}

static enum request_method
method_of(const llhttp_t *parser)
{
    switch (parser->method) {
    case HTTP_GET:
        return REQUEST_GET;
    case HTTP_HEAD:
        return REQUEST_HEAD;
    case HTTP_POST:
        return REQUEST_POST;
    case HTTP_OPTIONS:
        return REQUEST_OPTIONS;
    default:
        return REQUEST_OTHER;
    }
}

struct slice
request_field(const struct request_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (slice_is_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    return (struct slice){NULL, 0};
}

size_t
request_field_count(const struct request_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += slice_is_nocase(head->fields[i].name, name);
    return count;
}

static enum problem
judge_host(struct request_head *head)
{
    size_t count = request_field_count(head, "host");

    head->host = request_field(head, "host");
    if (count > 1 || (!count && !head->http_1_0))
        return PROBLEM_BAD_REQUEST;
    if (count && !request_host_ok(head->host))
        return PROBLEM_BAD_REQUEST;
    return PROBLEM_NONE;
}

/* RFC 9112, section 6: one way to tell where the message ends, or none. */
static enum problem
judge_framing(struct request_head *head)
{
    size_t lengths = request_field_count(head, "content-length");
    size_t codings = request_field_count(head, "transfer-encoding");

    if (lengths + codings > 1)
        return PROBLEM_BAD_REQUEST;
    if (codings) {
        if (head->http_1_0 ||
            !slice_is_nocase(request_field(head, "transfer-encoding"),
                             "chunked"))
            return PROBLEM_BAD_REQUEST;
        head->body = REQUEST_CHUNKED;
    }
    if (lengths) {
        if (!request_length(request_field(head, "content-length"),
                            &head->length))
            return PROBLEM_BAD_REQUEST;
        head->body = REQUEST_LENGTH;
    }
    return PROBLEM_NONE;
}

static enum problem
judge_expect(struct request_head *head)
{
    struct slice expect = request_field(head, "expect");

    if (!expect.data || head->http_1_0)
        return PROBLEM_NONE;
    if (request_field_count(head, "expect") > 1 ||
        !slice_is_nocase(expect, "100-continue"))
        return PROBLEM_EXPECTATION_FAILED;
    head->expect_continue = true;
    return PROBLEM_NONE;
}

enum problem
request_parse(struct request_head *head, const char *bytes, size_t len)
{
    struct parsing parsing = {.head = head};
    enum llhttp_errno error;
    enum problem problem;
    llhttp_t parser;

    head->field_count = 0;
    head->body = REQUEST_NO_BODY;
    head->length = 0;
    head->keep_alive = false;
    head->expect_continue = false;

    llhttp_init(&parser, HTTP_REQUEST, &head_settings);
    parser.data = &parsing;
    error = show(&parser, &parsing, (struct slice){bytes, len});
    if (error == HPE_USER)
        return PROBLEM_HEAD_TOO_LARGE; /* on_field() has no room */
    if (error != HPE_OK || parser.upgrade ||
        request_field_count(head, "upgrade"))
        return PROBLEM_BAD_REQUEST;

    head->method = method_of(&parser);
    head->http_1_0 = parser.http_minor == 0;
    head->path = slice_split(head->path, '?', &head->query);

    problem = judge_host(head);
    if (!problem)
        problem = judge_framing(head);
    if (!problem)
        problem = judge_expect(head);
    return problem;
}
