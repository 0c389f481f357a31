#include "shipper/ctl/filter.h"

#include "common/line.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/when.h"

#include <string.h>

static const char *const paths[] = {
    [FILTER_EVENT - FILTER_OPTION] = "eventName",
    [FILTER_CATEGORY - FILTER_OPTION] = "logCategory",
    [FILTER_CLIENT - FILTER_OPTION] = "clientId",
    [FILTER_SESSION - FILTER_OPTION] = "sessionId",
    [FILTER_PRODUCT - FILTER_OPTION] = "productId",
};

void
filter_init(struct filter *filter)
{
    *filter = (struct filter){.since = INT64_MIN, .until = INT64_MAX};
}

bool
filter_is_option(int option)
{
    return option >= FILTER_OPTION && option < FILTER_OPTION_NEXT;
}

static const char *
take_time(int64_t *time, const char *value, int64_t now)
{
    return when_parse(value, now, time) < 0
               ? "is neither a time ago (2h30m) nor RFC 3339 "
                 "(2026-01-02T03:04:05Z)"
               : NULL;
}

const char *
filter_option(struct filter *filter, int option, const char *value, int64_t now)
{
    struct filter_condition *condition = &filter->conditions[filter->count];
    const char *equals;

    if (option == FILTER_SINCE)
        return take_time(&filter->since, value, now);
    if (option == FILTER_UNTIL)
        return take_time(&filter->until, value, now);
    if (filter->count == FILTER_CONDITIONS_MAX)
        return "is one condition too many";

    condition->option = option;
    condition->value = value;
    if (option == FILTER_WHERE) {
        equals = strchr(value, '=');
        if (!equals || equals == value)
            return "is not of the form field=value";
        condition->path = value;
        condition->path_len = (size_t)(equals - value);
        condition->value = equals + 1;
    } else {
        condition->path = paths[option - FILTER_OPTION];
        condition->path_len = strlen(condition->path);
    }
    filter->count++;
    return NULL;
}

bool
filter_is_open(const struct filter *filter)
{
    return !filter->count && filter->since == INT64_MIN &&
           filter->until == INT64_MAX;
}

bool
filter_takes_time(const struct filter *filter, int64_t ts)
{
    return ts >= filter->since && ts <= filter->until;
}

static bool
as_index(struct slice name, size_t *index)
{
    *index = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9' || i > 8)
            return false;
        *index = *index * 10 + (size_t)(name.data[i] - '0');
    }
    return name.len > 0;
}

static bool
step(struct slice from, struct slice name, struct slice *to)
{
    size_t index;

    if (from.len && from.data[0] == '[')
        return as_index(name, &index) && jsonscan_element(from, index, to);
    return jsonscan_member(from, name, to);
}

static bool
look_up(struct slice entry, struct slice path, struct slice *value)
{
    *value = entry;
    while (path.data) {
        struct slice name = slice_split(path, '.', &path);

        if (!step(*value, name, value))
            return false;
    }
    return true;
}

static bool
has_item(struct slice entry, struct slice product)
{
    struct slice items, item, id;

    if (!jsonscan_member(entry, SLICE("items"), &items))
        return false;
    for (size_t i = 0; jsonscan_element(items, i, &item); i++)
        if (jsonscan_member(item, SLICE("productId"), &id) &&
            jsonvalue_equals(id, product))
            return true;
    return false;
}

static bool
agrees(const struct filter_condition *condition, struct slice entry)
{
    struct slice path = {condition->path, condition->path_len};
    struct slice want = {condition->value, strlen(condition->value)};
    struct slice value;

    if (look_up(entry, path, &value) && jsonvalue_equals(value, want))
        return true;
    return condition->option == FILTER_PRODUCT && has_item(entry, want);
}

bool
filter_agrees(const struct filter *filter, struct slice entry)
{
    unsigned asked = 0, agreed = 0;

    for (size_t i = 0; i < filter->count; i++) {
        const struct filter_condition *condition = &filter->conditions[i];
        unsigned bit = 1u << (condition->option - FILTER_OPTION);

        if (agreed & bit && condition->option != FILTER_WHERE)
            continue;
        asked |= bit;
        if (agrees(condition, entry))
            agreed |= bit;
        else if (condition->option == FILTER_WHERE)
            return false;
    }
    return asked == agreed;
}

bool
filter_wants(const struct filter *filter, const char *line, size_t len)
{
    return filter_takes_time(filter, line_ts(line)) &&
           filter_agrees(filter, (struct slice){line, len});
}
