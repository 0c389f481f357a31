#include "shipper/ctl/when.h"

#include "common/timefmt.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { SPAN_DIGITS_MAX = 9 };

/* In falling order. */
static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { UNITS = sizeof(units) / sizeof(*units) };

static size_t
unit_of(const char *text, size_t *len)
{
    *len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < UNITS; i++)
        if (strlen(units[i].name) == *len && !memcmp(units[i].name, text, *len))
            return i;
    return UNITS;
}

static int
span_parse(const char *text, int64_t *ms)
{
    size_t least = 0;

    *ms = 0;
    do {
        size_t digits = strspn(text, "0123456789"), len, unit;
        int64_t number = 0;

        if (!digits || digits > SPAN_DIGITS_MAX)
            return -EINVAL;
        for (; digits > 0; digits--)
            number = number * 10 + (*text++ - '0');
        unit = unit_of(text, &len);
        if (unit < least || unit == UNITS)
            return -EINVAL;
        least = unit + 1;
        text += len;
        *ms += number * units[unit].ms;
    } while (*text);
    return 0;
}

int
when_parse(const char *text, int64_t now, int64_t *ms)
{
    int64_t ago;

    if (span_parse(text, &ago) == 0) {
        *ms = now - ago;
        return 0;
    }
    return timefmt_parse(text, strlen(text), ms) ? 0 : -EINVAL;
}
