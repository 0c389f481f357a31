#include "ingest/scan.h"

#include "common/buf.h"

#include <endian.h>
#include <stdint.h>

static int scan_value(const char **at, const char *end, int depth,
                      struct scan_value *value);

static bool
is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *
skip_space(const char *at, const char *end, bool *spaced)
{
    while (at < end && is_space(*at)) {
        at++;
        *spaced = true;
    }
    return at;
}

/*
 * How many of eight bytes come before the first that is not ordinary: a
 * control, a quote, a backslash, or not ASCII.  Each term sets the high bit of
 * such a byte; what it borrows from the bytes behind does not matter.
 */
static size_t
count_plain8(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = ones << 7;
    uint64_t word, quote, slash;

    memcpy(&word, at, 8);
    word = le64toh(word);
    quote = word ^ ones * '"';
    slash = word ^ ones * '\\';
    word |= (word - ones * 0x20) | (quote - ones) | (slash - ones);
    return word & highs ? (size_t)__builtin_ctzll(word & highs) / 8 : 8;
}

/* RFC 3629's table: the length of the sequence at @at, or 0. */
static size_t
utf8_len(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        len = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        len = 3;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (left < len)
        return 0;

    if (at[0] == 0xe0)
        low = 0xa0; /* no longer than needed */
    else if (at[0] == 0xed)
        high = 0x9f; /* no surrogates */
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f; /* nothing past U+10FFFF */
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Return: the value of four hex digits, or -1. */
static int
hex4(const char *at, const char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* *@at stands behind a backslash. */
static int
scan_escape(const char **at, const char *end, struct scan_value *value)
{
    int unit, low;

    value->escaped = true;
    if (*at == end)
        return SCAN_INVALID_JSON;
    if (**at != 'u') {
        if (!**at || !strchr("\"\\/bfnrt", **at))
            return SCAN_INVALID_JSON;
        (*at)++;
        return SCAN_FOUND;
    }

    unit = hex4(++*at, end);
    if (unit < 0)
        return SCAN_INVALID_JSON;
    *at += 4;
    if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        value->odd = true;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
        low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u'
                  ? hex4(*at + 2, end)
                  : -1;
        if (low >= 0xdc00 && low <= 0xdfff)
            *at += 6;
        else
            value->odd = true;
    }
    return SCAN_FOUND;
}

/* *@at stands behind the opening quote; it ends behind the closing one. */
static int
scan_string(const char **at, const char *end, struct scan_value *value)
{
    const char *next = *at;
    size_t points = 0, n;
    int r;

    for (;;) {
        do {
            n = end - next >= 8 ? count_plain8(next) : 0;
            next += n;
            points += n;
        } while (n == 8);
        if (next == end || (unsigned char)*next < 0x20)
            return SCAN_INVALID_JSON;
        if (*next == '"')
            break;
        if (*next == '\\') {
            next++;
            r = scan_escape(&next, end, value);
            if (r < 0)
                return r;
        } else if ((unsigned char)*next < 0x80) {
            next++;
        } else {
            n = utf8_len((const unsigned char *)next, (size_t)(end - next));
            if (!n)
                return SCAN_INVALID_UTF8;
            next += n;
        }
        points++;
    }
    value->points = points;
    *at = next + 1;
    return SCAN_FOUND;
}

static const char *
skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* RFC 8259, section 6.  Return: behind the number, or NULL. */
static const char *
skip_number(const char *at, const char *end)
{
    const char *digits;

    if (at < end && *at == '-')
        at++;
    digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return NULL;
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = skip_digits(at, end);
        if (at == digits)
            return NULL;
    }
    return at;
}

static int
scan_number(const char **at, const char *end)
{
    const char *behind = skip_number(*at, end);

    if (!behind)
        return SCAN_INVALID_JSON;
    *at = behind;
    return SCAN_FOUND;
}

static int
scan_word(const char **at, const char *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *at) < len || memcmp(*at, word, len))
        return SCAN_INVALID_JSON;
    *at += len;
    return SCAN_FOUND;
}

static int
scan_container(const char **at, const char *end, int depth,
               struct scan_value *value)
{
    struct scan_value inner;
    struct slice name;
    bool name_escaped;
    struct scan scan;
    int r;

    if (depth == SCAN_DEPTH_MAX)
        return SCAN_INVALID_JSON;
    (void)scan_open(&scan, (struct slice){*at, (size_t)(end - *at)});
    scan.depth = depth + 1;
    while ((r = scan_next(&scan, &name, &name_escaped, &inner)) > 0)
        ;
    if (r < 0)
        return r;
    value->spaced = scan.spaced;
    value->odd = scan.odd;
    value->crowded = scan.crowded;
    *at = scan.at;
    return SCAN_FOUND;
}

static int
scan_kind(const char **at, const char *end, int depth, struct scan_value *value)
{
    switch (**at) {
    case '{':
        value->kind = SCAN_OBJECT;
        return scan_container(at, end, depth, value);
    case '[':
        value->kind = SCAN_ARRAY;
        return scan_container(at, end, depth, value);
    case '"':
        value->kind = SCAN_STRING;
        (*at)++;
        return scan_string(at, end, value);
    case 't':
        value->kind = SCAN_TRUE;
        return scan_word(at, end, "true");
    case 'f':
        value->kind = SCAN_FALSE;
        return scan_word(at, end, "false");
    case 'n':
        value->kind = SCAN_NULL;
        return scan_word(at, end, "null");
    default:
        value->kind = SCAN_NUMBER;
        return scan_number(at, end);
    }
}

static int
scan_value(const char **at, const char *end, int depth,
           struct scan_value *value)
{
    const char *start = *at;
    int r;

    *value = (struct scan_value){.kind = SCAN_NULL};
    if (*at == end)
        return SCAN_INVALID_JSON;
    r = scan_kind(at, end, depth, value);
    value->bytes = (struct slice){start, (size_t)(*at - start)};
    /* Bytes that are not even text are told as such. */
    if (r == SCAN_INVALID_JSON && *at < end && (unsigned char)**at >= 0x80 &&
        !utf8_len((const unsigned char *)*at, (size_t)(end - *at)))
        return SCAN_INVALID_UTF8;
    return r;
}

struct slice
scan_text(const struct scan_value *value)
{
    return (struct slice){value->bytes.data + 1, value->bytes.len - 2};
}

bool
scan_is_end(const char *at, const char *end)
{
    bool spaced = false;

    return skip_space(at, end, &spaced) == end;
}

int
scan_first(struct slice text, struct scan_value *value)
{
    const char *at = text.data, *end = text.data + text.len;
    bool spaced = false;

    at = skip_space(at, end, &spaced);
    return scan_value(&at, end, 0, value);
}

int
scan_document(struct slice text, struct scan_value *value)
{
    int r = scan_first(text, value);

    if (r < 0)
        return r;
    return scan_is_end(value->bytes.data + value->bytes.len,
                       text.data + text.len)
               ? SCAN_FOUND
               : SCAN_INVALID_JSON;
}

int
scan_open(struct scan *scan, struct slice text)
{
    const char *end = text.data + text.len;
    bool spaced = false;

    scan->at = skip_space(text.data, end, &spaced);
    scan->end = end;
    scan->depth = 1;
    scan->begun = scan->spaced = scan->odd = scan->crowded = false;
    scan->count = 0;
    if (scan->at == end || (*scan->at != '{' && *scan->at != '['))
        return SCAN_END;
    scan->object = *scan->at++ == '{';
    return SCAN_FOUND;
}

/* Names are few: comparing each with each is the quickest there is. */
static int
scan_name(struct scan *scan, struct slice *name, bool *escaped)
{
    struct scan_value value = {.kind = SCAN_STRING};
    const char *start = ++scan->at;
    int r;

    r = scan_string(&scan->at, scan->end, &value);
    if (r < 0)
        return r;
    *name = (struct slice){start, (size_t)(scan->at - start) - 1};
    *escaped = value.escaped;
    scan->odd |= value.escaped;
    for (size_t i = 0; i < scan->count; i++)
        if (slice_equal(scan->names[i], *name))
            return SCAN_INVALID_JSON;
    if (scan->count < SCAN_MEMBERS_MAX)
        scan->names[scan->count++] = *name;
    else
        scan->crowded = true;

    scan->at = skip_space(scan->at, scan->end, &scan->spaced);
    if (scan->at == scan->end || *scan->at != ':')
        return SCAN_INVALID_JSON;
    scan->at = skip_space(scan->at + 1, scan->end, &scan->spaced);
    return SCAN_FOUND;
}

int
scan_reach(struct scan *scan, struct slice *name, bool *name_escaped)
{
    char close = scan->object ? '}' : ']';

    scan->at = skip_space(scan->at, scan->end, &scan->spaced);
    if (scan->at == scan->end)
        return SCAN_INVALID_JSON;
    if (*scan->at == close) {
        scan->at++;
        return SCAN_END;
    }
    if (scan->begun) {
        if (*scan->at != ',')
            return SCAN_INVALID_JSON;
        scan->at = skip_space(scan->at + 1, scan->end, &scan->spaced);
    }
    scan->begun = true;

    if (!scan->object)
        return SCAN_FOUND;
    if (scan->at == scan->end || *scan->at != '"')
        return SCAN_INVALID_JSON;
    return scan_name(scan, name, name_escaped);
}

int
scan_next(struct scan *scan, struct slice *name, bool *name_escaped,
          struct scan_value *value)
{
    int r = scan_reach(scan, name, name_escaped);

    if (r <= 0)
        return r;
    r = scan_value(&scan->at, scan->end, scan->depth, value);
    scan->spaced |= value->spaced;
    scan->odd |= value->odd;
    scan->crowded |= value->crowded;
    return r;
}

void
scan_copy(struct buf *out, const struct scan_value *value)
{
    const char *at = value->bytes.data, *end = at + value->bytes.len;
    const char *from = at;
    bool in_string = false;

    if (!value->spaced) {
        (void)buf_append(out, at, value->bytes.len);
        return;
    }
    for (; at < end; at++) {
        if (in_string && *at == '\\') {
            at++;
        } else if (*at == '"') {
            in_string = !in_string;
        } else if (!in_string && is_space(*at)) {
            (void)buf_append(out, from, (size_t)(at - from));
            from = at + 1;
        }
    }
    (void)buf_append(out, from, (size_t)(end - from));
}
