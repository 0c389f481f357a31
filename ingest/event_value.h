#pragma once

#include "ingest/scan.h"

struct catalog;
struct catalog_field;

/*
 * One value against its field's rules.  Pure.
 */
struct event_fault {
    const char *code;  /* NULL: the value is good */
    const char *wants; /* what would be right */
};

/** event_value_judge(): scalars; containers only by their kind. */
struct event_fault event_value_judge(const struct catalog_field *field,
                                     const struct scan_value *value);

/** event_value_is_id(): 8 to 64 of A-Za-z0-9_-. */
bool event_value_is_id(struct slice text);
