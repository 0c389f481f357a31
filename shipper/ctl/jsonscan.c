#include "shipper/ctl/jsonscan.h"

#include "shipper/ctl/jsonvalue.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

/* Every scan_*() below moves past what it names, or says false. */
struct scan {
    const unsigned char *at;
    const unsigned char *end;
    int depth;
};

static bool scan_value(struct scan *scan);

static int
peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : -1;
}

static void
scan_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' ||
                                    *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool
scan_char(struct scan *scan, int c)
{
    if (peek(scan) != c)
        return false;
    scan->at++;
    return true;
}

static bool
scan_word(struct scan *scan, const char *word)
{
    while (*word)
        if (!scan_char(scan, *word++))
            return false;
    return true;
}

static bool
scan_digits(struct scan *scan)
{
    const unsigned char *from = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from;
}

static bool
scan_number(struct scan *scan)
{
    (void)scan_char(scan, '-');
    if (!scan_char(scan, '0') && !scan_digits(scan))
        return false;
    if (scan_char(scan, '.') && !scan_digits(scan))
        return false;
    if (!scan_char(scan, 'e') && !scan_char(scan, 'E'))
        return true;
    if (!scan_char(scan, '+'))
        (void)scan_char(scan, '-');
    return scan_digits(scan);
}

/* RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF. */
static bool
scan_utf8(struct scan *scan)
{
    unsigned first = *scan->at++;
    unsigned low = 0x80, high = 0xbf;
    int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;

    if (first < 0xc2 || first > 0xf4)
        return false;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (; more > 0; more--, low = 0x80, high = 0xbf) {
        int c = peek(scan);

        if (c < (int)low || c > (int)high)
            return false;
        scan->at++;
    }
    return true;
}

static bool
scan_hex4(struct scan *scan)
{
    for (int i = 0; i < 4; i++)
        if (peek(scan) < 0 || !isxdigit(*scan->at++))
            return false;
    return true;
}

static bool
scan_escape(struct scan *scan)
{
    int c = peek(scan);

    if (c < 0)
        return false;
    scan->at++;
    return c == 'u' ? scan_hex4(scan) : strchr("\"\\/bfnrt", c) && c;
}

static bool
scan_string(struct scan *scan)
{
    if (!scan_char(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        unsigned char c = *scan->at;

        if (c >= 0x80) {
            if (!scan_utf8(scan))
                return false;
            continue;
        }
        if (c < 0x20)
            return false;
        scan->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !scan_escape(scan))
            return false;
    }
    return false;
}

static bool
scan_name(struct scan *scan)
{
    scan_space(scan);
    if (!scan_string(scan))
        return false;
    scan_space(scan);
    return scan_char(scan, ':');
}

/* An object or an array, told by its brackets. */
static bool
scan_nest(struct scan *scan, int open, int close)
{
    bool ok = false;

    if (!scan_char(scan, open) || scan->depth++ >= DEPTH_MAX)
        return false;
    scan_space(scan);
    if (scan_char(scan, close)) {
        ok = true;
        goto out;
    }
    do {
        if (open == '{' && !scan_name(scan))
            goto out;
        if (!scan_value(scan))
            goto out;
    } while (scan_char(scan, ','));
    ok = scan_char(scan, close);

out:
    scan->depth--;
    return ok;
}

/* With the white space around it. */
static bool
scan_value(struct scan *scan)
{
    bool ok;

    scan_space(scan);
    switch (peek(scan)) {
    case '{':
        ok = scan_nest(scan, '{', '}');
        break;
    case '[':
        ok = scan_nest(scan, '[', ']');
        break;
    case '"':
        ok = scan_string(scan);
        break;
    case 't':
        ok = scan_word(scan, "true");
        break;
    case 'f':
        ok = scan_word(scan, "false");
        break;
    case 'n':
        ok = scan_word(scan, "null");
        break;
    default:
        ok = scan_number(scan);
    }
    scan_space(scan);
    return ok;
}

static struct scan
scan_of(struct slice text)
{
    const unsigned char *at = (const unsigned char *)text.data;

    return (struct scan){at, text.len ? at + text.len : at, 0};
}

bool
jsonscan_valid(struct slice text)
{
    struct scan scan = scan_of(text);

    return scan_value(&scan) && scan.at == scan.end;
}

/* What was scanned since @from, without the white space around it. */
static struct slice
since(const struct scan *scan, const unsigned char *from)
{
    struct slice slice = {(const char *)from, (size_t)(scan->at - from)};

    while (slice.len && strchr(" \t\r\n", *slice.data))
        slice.data++, slice.len--;
    while (slice.len && strchr(" \t\r\n", slice.data[slice.len - 1]))
        slice.len--;
    return slice;
}

static bool
scan_member(struct scan *scan, struct jsonscan_field *member)
{
    const unsigned char *from;

    scan_space(scan);
    from = scan->at;
    if (!scan_string(scan))
        return false; /* an empty object */
    member->name = since(scan, from);
    scan_space(scan);
    if (!scan_char(scan, ':'))
        return false;
    from = scan->at;
    if (!scan_value(scan))
        return false;
    member->value = since(scan, from);
    return true;
}

/* Return: whether it was one that is looked for. */
static bool
take_member(struct jsonscan_field *fields, size_t count,
            const struct jsonscan_field *member)
{
    for (size_t i = 0; i < count; i++)
        if (!fields[i].value.data &&
            jsonvalue_equals(member->name, fields[i].name)) {
            fields[i].value = member->value;
            return true;
        }
    return false;
}

size_t
jsonscan_fields(struct slice object, struct jsonscan_field *fields,
                size_t count)
{
    struct scan scan = scan_of(object);
    struct jsonscan_field member;
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        fields[i].value = (struct slice){NULL, 0};
    scan_space(&scan);
    if (!scan_char(&scan, '{'))
        return 0;
    do {
        if (!scan_member(&scan, &member))
            break;
        found += take_member(fields, count, &member);
    } while (found < count && scan_char(&scan, ','));
    return found;
}

bool
jsonscan_member(struct slice object, struct slice name, struct slice *value)
{
    struct jsonscan_field field = {.name = name};
    bool found = jsonscan_fields(object, &field, 1) == 1;

    if (found)
        *value = field.value;
    return found;
}

bool
jsonscan_element(struct slice array, size_t index, struct slice *value)
{
    struct scan scan = scan_of(array);

    scan_space(&scan);
    if (!scan_char(&scan, '['))
        return false;
    do {
        const unsigned char *from = scan.at;

        if (!scan_value(&scan))
            return false; /* an empty array */
        *value = since(&scan, from);
        if (!index--)
            return true;
    } while (scan_char(&scan, ','));
    return false;
}
