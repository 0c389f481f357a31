#pragma once

#include "common/slice.h"

/*
 * The names that are not a catalog's to define, and what becomes of each.
 */
enum event_field_role {
    EVENT_FIELD_CATALOG,  /* none of these: the catalog decides */
    EVENT_FIELD_NAME,     /* eventName */
    EVENT_FIELD_ID,       /* eventId */
    EVENT_FIELD_CLIENT,   /* clientId */
    EVENT_FIELD_SESSION,  /* sessionId */
    EVENT_FIELD_TIME,     /* eventTimestamp */
    EVENT_FIELD_REPLACED, /* taken and dropped: the server's own value wins */
    EVENT_FIELD_RESERVED, /* never a client's: written by us, or CloudWatch's */
};

enum event_field_role event_field_role(struct slice name);
