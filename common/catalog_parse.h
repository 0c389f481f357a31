#pragma once

#include "common/catalog.h"

/*
 * The catalog's inside, shared by its reader and its users' lookups.
 */
enum { CATALOG_SLOTS = 128 };

struct catalog {
    struct catalog_field fields[CATALOG_FIELDS_MAX];
    size_t field_count;
    struct catalog_event events[CATALOG_EVENTS_MAX];
    size_t event_count;
    uint8_t slots[CATALOG_SLOTS];
    uint8_t chain[CATALOG_FIELDS_MAX];
};

/** catalog_index(): let catalog_field() find field @index. */
void catalog_index(struct catalog *catalog, size_t index);
