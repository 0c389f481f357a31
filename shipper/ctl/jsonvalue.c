#include "shipper/ctl/jsonvalue.h"

#include "common/hex.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { NUMBER_MAX = 400 };

/* The value of four hexadecimal digits at the beginning of @text, or -1. */
static int32_t
hex4(struct slice text)
{
    int32_t value = 0;

    if (text.len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(text.data[i]);

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static void
skip(struct slice *text, size_t len)
{
    text->data += len;
    text->len -= len;
}

/* The code point of the escape whose four digits are next; a pair of
 * surrogates is one. */
static uint32_t
unescape_unit(struct slice *text)
{
    int32_t high = hex4(*text), low = -1;

    if (high < 0)
        return 'u';
    skip(text, 4);
    if (high < 0xd800 || high > 0xdbff)
        return (uint32_t)high;
    if (text->len >= 6 && text->data[0] == '\\' && text->data[1] == 'u')
        low = hex4((struct slice){text->data + 2, text->len - 2});
    if (low < 0xdc00 || low > 0xdfff)
        return (uint32_t)high;
    skip(text, 6);
    return (uint32_t)(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

/* The code point of the escape whose backslash is behind us. */
static uint32_t
unescape(struct slice *text)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *name;
    char c;

    if (!text->len)
        return '\\';
    c = *text->data;
    skip(text, 1);
    if (c == 'u')
        return unescape_unit(text);
    name = c ? strchr(names, c) : NULL;
    return (unsigned char)(name ? values[name - names] : c);
}

static size_t
encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static bool
string_equals(struct slice inside, struct slice text)
{
    while (inside.len) {
        char bytes[4];
        size_t len = 1;

        bytes[0] = *inside.data;
        skip(&inside, 1);
        if (bytes[0] == '\\')
            len = encode(unescape(&inside), bytes);
        if (text.len < len || memcmp(text.data, bytes, len))
            return false;
        skip(&text, len);
    }
    return !text.len;
}

enum number { NO_NUMBER, WHOLE, FRACTION };

/* strtod() knows hexadecimal digits, infinity and blanks too. */
static enum number
number_of(struct slice text, double *value)
{
    char digits[NUMBER_MAX + 1], *end;

    if (!text.len || text.len > NUMBER_MAX)
        return NO_NUMBER;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    if (strspn(digits, "0123456789.eE+-") != text.len || *digits == '+')
        return NO_NUMBER;
    *value = strtod(digits, &end);
    if (*end || !isfinite(*value))
        return NO_NUMBER;
    return strpbrk(digits, ".eE") ? FRACTION : WHOLE;
}

static bool
same_number(struct slice a, struct slice b)
{
    double x, y;
    enum number kind = number_of(a, &x), other = number_of(b, &y);

    return kind && other && (kind == FRACTION || other == FRACTION) && x == y;
}

bool
jsonvalue_equals(struct slice value, struct slice text)
{
    if (value.len >= 2 && value.data[0] == '"')
        return string_equals((struct slice){value.data + 1, value.len - 2},
                             text);
    return slice_equal(value, text) || same_number(value, text);
}

bool
jsonvalue_number(struct slice value, double *number)
{
    return number_of(value, number) != NO_NUMBER;
}
