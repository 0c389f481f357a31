#include "ingest/event_value.h"

#include "common/catalog.h"
#include "common/timefmt.h"
#include "common/uuid.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static const struct event_fault good = {NULL, NULL};

static struct event_fault
bad(const char *code, const char *wants)
{
    return (struct event_fault){code, wants};
}

bool
event_value_is_id(struct slice text)
{
    if (text.len < 8 || text.len > 64)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

static bool
is_currency(struct slice text)
{
    return text.len == 3 && text.data[0] >= 'A' && text.data[0] <= 'Z' &&
           text.data[1] >= 'A' && text.data[1] <= 'Z' && text.data[2] >= 'A' &&
           text.data[2] <= 'Z';
}

/* A slash may come escaped, as some libraries always write it. */
static bool
is_path(struct slice text)
{
    return (text.len && *text.data == '/') ||
           (text.len >= 2 && !memcmp(text.data, "\\/", 2)) ||
           (text.len >= 6 && !strncasecmp(text.data, "\\u002f", 6));
}

static struct event_fault
judge_format(enum catalog_format format, struct slice text)
{
    uint8_t id[16];
    int64_t ms;

    switch (format) {
    case CATALOG_ANY:
        return good;
    case CATALOG_ID:
        return event_value_is_id(text)
                   ? good
                   : bad("bad_format", "8 to 64 of A-Z a-z 0-9 _ -");
    case CATALOG_UUID:
        return text.len == UUID_LEN && uuid_parse(id, text.data)
                   ? good
                   : bad("bad_format", "a UUID");
    case CATALOG_TIME:
        return timefmt_parse(text.data, text.len, &ms)
                   ? good
                   : bad("bad_format", "a time as in 2026-01-02T03:04:05Z");
    case CATALOG_CURRENCY:
        return is_currency(text)
                   ? good
                   : bad("bad_format", "three capitals, as in EUR");
    case CATALOG_PATH:
        return is_path(text) ? good
                             : bad("bad_format", "a path that begins with /");
    }
    abort();
}

static struct event_fault
judge_string(const struct catalog_field *field, const struct scan_value *value)
{
    struct slice text;
    size_t i;

    if (value->kind != SCAN_STRING)
        return bad("wrong_type", "a string");
    text = scan_text(value);
    if (value->odd)
        return bad("bad_format", "no \\u0000 and no half of a surrogate pair");
    if (value->points > field->max_length)
        return bad("too_long", "fewer characters");
    if (value->points < field->min_length)
        return bad("out_of_range", "more characters");
    if (!field->value_count)
        return judge_format(field->format, text);
    for (i = 0; i < field->value_count; i++)
        if (slice_equal(field->values[i], text))
            return good;
    return bad("bad_format", "one of the words that the catalog lists");
}

/* Short and plain, as most are; the digits are right to the last. */
static bool
quick_number(struct slice text, double *number)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    uint64_t digits = 0;
    size_t decimals = 0;
    bool point = false;

    if (text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.') {
            point = true;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        digits = digits * 10 + (uint64_t)(text.data[i] - '0');
        decimals += point;
    }
    *number = (double)digits / powers[decimals];
    return true;
}

/* strtod() wants an end, and would read "-0" and a following "x1" as one. */
static double
slow_number(struct slice text)
{
    char *copy = strndup(text.data, text.len);
    double number = copy ? strtod(copy, NULL) : (double)NAN;

    free(copy);
    return number;
}

static struct event_fault
judge_number(const struct catalog_field *field, const struct scan_value *value)
{
    double number;

    if (value->kind != SCAN_NUMBER)
        return bad("wrong_type", "a number");
    if (!quick_number(value->bytes, &number))
        number = slow_number(value->bytes);
    if (field->type == CATALOG_INTEGER &&
        (memchr(value->bytes.data, '.', value->bytes.len) ||
         memchr(value->bytes.data, 'e', value->bytes.len) ||
         memchr(value->bytes.data, 'E', value->bytes.len)))
        return bad("wrong_type", "a whole number");
    if (!(number >= field->min && number <= field->max))
        return bad("out_of_range", "a number within the catalog's bounds");
    return good;
}

struct event_fault
event_value_judge(const struct catalog_field *field,
                  const struct scan_value *value)
{
    switch (field->type) {
    case CATALOG_STRING:
        return judge_string(field, value);
    case CATALOG_NUMBER:
    case CATALOG_INTEGER:
        return judge_number(field, value);
    case CATALOG_BOOLEAN:
        return value->kind == SCAN_TRUE || value->kind == SCAN_FALSE
                   ? good
                   : bad("wrong_type", "true or false");
    case CATALOG_OBJECTS:
        return value->kind == SCAN_ARRAY ? good : bad("wrong_type", "an array");
    case CATALOG_SCALARS:
        return value->kind == SCAN_OBJECT ? good
                                          : bad("wrong_type", "an object");
    }
    abort();
}
