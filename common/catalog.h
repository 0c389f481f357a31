#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

/*
 * Which events there are, and what their fields may hold.  The built-in
 * catalog and a shop's own file have one form, docs/catalog.md; both are read
 * once and are immutable from then on.
 *
 * The fields that every event has (eventName, eventId, clientId, sessionId,
 * eventTimestamp), those that the server replaces, and names that begin with
 * `_` are not a catalog's to define.
 */
enum {
    CATALOG_FIELDS_MAX = 64, /* a set of them is one word */
    CATALOG_EVENTS_MAX = 64,
    CATALOG_NAME_MAX = 64, /* characters of a field's or event's name */
    CATALOG_FILE_MAX = 256 * 1024,
};

/* Bounds of a number that has none. */
#define CATALOG_LEAST (-1e308)
#define CATALOG_MOST 1e308

enum catalog_type {
    CATALOG_STRING,
    CATALOG_NUMBER,
    CATALOG_INTEGER,
    CATALOG_BOOLEAN,
    CATALOG_OBJECTS, /* an array of objects of named fields */
    CATALOG_SCALARS, /* an object of scalars, named freely */
};

enum catalog_format {
    CATALOG_ANY,
    CATALOG_ID,       /* 8 to 64 of A-Za-z0-9_- */
    CATALOG_UUID,     /* RFC 9562 */
    CATALOG_TIME,     /* RFC 3339 */
    CATALOG_CURRENCY, /* three capitals, ISO 4217 */
    CATALOG_PATH,     /* begins with a slash */
};

/** A field, and what its values have to be. */
struct catalog_field {
    struct slice name;
    enum catalog_type type;
    enum catalog_format format;
    uint64_t min_length, max_length; /* code points; members; elements */
    double min, max;
    struct slice *values; /* an enum's, or NULL */
    size_t value_count;
    uint64_t inner; /* CATALOG_OBJECTS: the set of fields of an element */
};

struct catalog_event {
    struct slice name;
    uint64_t allowed; /* sets of fields, by index */
    uint64_t required;
};

struct catalog;

/**
 * catalog_load(): the file that [events] catalog names, or the built-in one.
 * A fault is complained of with its place in the file.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int catalog_load(struct catalog **catalog, struct settings *settings);

/**
 * catalog_parse(): a catalog's text.
 *
 * Return: 0; or -EINVAL with the place and what would be right in @why.
 */
enum { CATALOG_WHY_SIZE = 256 };
int catalog_parse(struct catalog **catalog, const char *text, size_t len,
                  char why[CATALOG_WHY_SIZE]);

void catalog_free(struct catalog *catalog);

/** catalog_event_index(): by name, or CATALOG_EVENTS_MAX. */
unsigned catalog_event_index(const struct catalog *catalog, struct slice name);

/** catalog_event_name(): of an index; NULL data past the last. */
struct slice catalog_event_name(const struct catalog *catalog, unsigned index);

/** catalog_event(): by name, or NULL. */
const struct catalog_event *catalog_event(const struct catalog *catalog,
                                          struct slice name);

/** catalog_field(): Return: the field's index, or -1. */
int catalog_field(const struct catalog *catalog, struct slice name);

const struct catalog_field *catalog_field_at(const struct catalog *catalog,
                                             int index);

/** catalog_field_count(): their indexes are 0 up to, and without, this. */
int catalog_field_count(const struct catalog *catalog);

/** catalog_first(): the name of the lowest field in a set, for messages. */
struct slice catalog_first(const struct catalog *catalog, uint64_t set);

/** The catalog that is used where none is named. */
extern const char catalog_builtin[];
