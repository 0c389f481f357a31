#include "common/event_fields.h"

struct row {
    const char *name;
    enum event_field_role role;
};

/* By length of the name, as that alone tells most of them apart. */
static const struct row len2[] = {{"ts", EVENT_FIELD_RESERVED}, {0, 0}};
static const struct row len4[] = {{"path", EVENT_FIELD_REPLACED}, {0, 0}};
static const struct row len6[] = {{"userId", EVENT_FIELD_REPLACED},
                                  {"method", EVENT_FIELD_REPLACED},
                                  {0, 0}};
static const struct row len7[] = {{"eventId", EVENT_FIELD_ID}, {0, 0}};
static const struct row len8[] = {{"clientId", EVENT_FIELD_CLIENT},
                                  {"sourceIp", EVENT_FIELD_REPLACED},
                                  {0, 0}};
static const struct row len9[] = {{"eventName", EVENT_FIELD_NAME},
                                  {"sessionId", EVENT_FIELD_SESSION},
                                  {"latencyMs", EVENT_FIELD_REPLACED},
                                  {"userAgent", EVENT_FIELD_REPLACED},
                                  {"requestId", EVENT_FIELD_REPLACED},
                                  {0, 0}};
static const struct row len10[] = {{"statusCode", EVENT_FIELD_REPLACED},
                                   {"receivedAt", EVENT_FIELD_RESERVED},
                                   {0, 0}};
static const struct row len11[] = {{"logCategory", EVENT_FIELD_RESERVED},
                                   {"clockSkewed", EVENT_FIELD_RESERVED},
                                   {0, 0}};
static const struct row len14[] = {{"eventTimestamp", EVENT_FIELD_TIME},
                                   {"userLoginState", EVENT_FIELD_REPLACED},
                                   {"identitySource", EVENT_FIELD_REPLACED},
                                   {0, 0}};

static const struct row *const by_length[] = {
    [2] = len2, [4] = len4,   [6] = len6,   [7] = len7,   [8] = len8,
    [9] = len9, [10] = len10, [11] = len11, [14] = len14,
};

enum event_field_role
event_field_role(struct slice name)
{
    const struct row *row;

    if (name.len && *name.data == '_')
        return EVENT_FIELD_RESERVED;
    if (name.len >= sizeof(by_length) / sizeof(*by_length) ||
        !by_length[name.len])
        return EVENT_FIELD_CATALOG;
    for (row = by_length[name.len]; row->name; row++)
        if (!memcmp(row->name, name.data, name.len))
            return row->role;
    return EVENT_FIELD_CATALOG;
}
