#include "ingest/params.h"

#include "common/hex.h"

static bool
decode(struct param *param, struct slice text)
{
    size_t points = 0;

    param->len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (param->len == PARAMS_VALUE_MAX)
            return false;
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        /* All bytes of UTF-8 begin a code point but for 10xxxxxx. */
        if ((c & 0xc0) != 0x80 && ++points > PARAMS_POINTS_MAX)
            return false;
        param->value[param->len++] = c;
    }
    return true;
}

int
params_next(struct slice *query, struct param *param)
{
    while (query->len) {
        struct slice pair = slice_split(*query, '&', query), value;

        if (!pair.len)
            continue;
        param->name = slice_split(pair, '=', &value);
        return decode(param, value) ? 1 : -1;
    }
    return 0;
}

bool
params_count(const struct param *param, size_t most, size_t *count)
{
    size_t number = 0;

    for (size_t i = 0; i < param->len; i++) {
        if (param->value[i] < '0' || param->value[i] > '9' || number > most)
            return false;
        number = number * 10 + (size_t)(param->value[i] - '0');
    }
    if (!number || number > most)
        return false;
    *count = number;
    return true;
}
