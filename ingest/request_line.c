#include "ingest/request_line.h"

#include "ingest/request.h"

/* RFC 9110, section 5.6.2: tchar. */
static bool
is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t
token_len(struct slice line)
{
    size_t len = 0;

    while (len < line.len && is_token_char(line.data[len]))
        len++;
    return len;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112, section 3: METHOD SP origin-form SP HTTP/1.[01] */
static enum problem
judge_request_line(struct slice line)
{
    static const char version[] = " HTTP/1.";
    enum { TAIL = sizeof(version) }; /* the version and its last digit */
    size_t method = token_len(line), target;

    if (!method || method == line.len || line.data[method] != ' ')
        return PROBLEM_BAD_REQUEST;
    if (line.len > REQUEST_TARGET_MAX + method + 1 + TAIL)
        return PROBLEM_URI_TOO_LONG;
    if (line.len < method + 2 + TAIL ||
        memcmp(line.data + line.len - TAIL, version, TAIL - 1) ||
        (line.data[line.len - 1] != '0' && line.data[line.len - 1] != '1'))
        return PROBLEM_BAD_REQUEST;

    target = line.len - TAIL;
    if (line.data[method + 1] != '/')
        return PROBLEM_BAD_REQUEST;
    for (size_t i = method + 1; i < target; i++)
        if (line.data[i] <= ' ' || line.data[i] >= 0x7f || line.data[i] == '#')
            return PROBLEM_BAD_REQUEST; /* negative chars are <= ' ' too */
    return PROBLEM_NONE;
}

/* RFC 9110, section 5.5: no controls but tabs. */
static inline bool
is_value_byte(unsigned char c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* A token is a thousand bytes: blocks are looked at as a whole, so that the
 * compiler can take many bytes at a time. */
static bool
is_value(struct slice value)
{
    enum { BLOCK = 32 };
    const unsigned char *next = (const unsigned char *)value.data;
    size_t left = value.len;

    for (; left >= BLOCK; left -= BLOCK, next += BLOCK) {
        unsigned char good = 1;

        for (int i = 0; i < BLOCK; i++)
            good &= is_value_byte(next[i]);
        if (!good)
            return false;
    }
    for (size_t i = 0; i < left; i++)
        if (!is_value_byte(next[i]))
            return false;
    return true;
}

/* RFC 9112, section 5: name ":" OWS value OWS, on one line. */
static enum problem
judge_field_line(struct slice line)
{
    size_t name = token_len(line);

    if (!name || name == line.len || line.data[name] != ':')
        return PROBLEM_BAD_REQUEST;
    if (!is_value((struct slice){line.data + name + 1, line.len - name - 1}))
        return PROBLEM_BAD_REQUEST;
    return PROBLEM_NONE;
}

enum problem
request_line_judge(struct slice line, bool first)
{
    if (line.len < 2 || line.data[line.len - 2] != '\r')
        return PROBLEM_BAD_REQUEST;
    line.len -= 2;
    if (first)
        return judge_request_line(line);
    return line.len ? judge_field_line(line) : PROBLEM_NONE;
}

enum problem
request_line_begins(struct slice line, bool first)
{
    /* What can no longer become a line is answered now, not at a deadline. */
    if (!is_token_char(line.data[0]) && (first || line.data[0] != '\r'))
        return PROBLEM_BAD_REQUEST;
    if (first && line.len > REQUEST_TARGET_MAX + 64)
        return PROBLEM_URI_TOO_LONG;
    return PROBLEM_NONE;
}

/* RFC 3986, section 3.2.2, without what no browser sends: commas and escapes
 * in a name are how one host passes for another. */
static size_t
host_len(struct slice host)
{
    size_t len = 0;

    if (host.len && host.data[0] == '[') {
        for (len = 1; len < host.len && host.data[len] != ']'; len++)
            if (!is_digit(host.data[len]) && host.data[len] != ':' &&
                host.data[len] != '.' &&
                !strchr("abcdefABCDEF", host.data[len]))
                return 0;
        return len > 2 && len < host.len ? len + 1 : 0;
    }
    while (len < host.len &&
           ((host.data[len] >= 'a' && host.data[len] <= 'z') ||
            (host.data[len] >= 'A' && host.data[len] <= 'Z') ||
            is_digit(host.data[len]) || host.data[len] == '-' ||
            host.data[len] == '.' || host.data[len] == '_'))
        len++;
    return len;
}

bool
request_host_ok(struct slice host)
{
    size_t len = host_len(host), port;

    if (!len || len == host.len)
        return len != 0;
    if (host.data[len] != ':')
        return false;
    port = host.len - len - 1;
    for (size_t i = len + 1; i < host.len; i++)
        if (!is_digit(host.data[i]))
            return false;
    return port <= 5;
}

bool
request_length(struct slice text, uint64_t *length)
{
    uint64_t value = 0;

    if (!text.len || text.len > 19)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *length = value;
    return true;
}
