#include "common/catalog.h"

#include "common/catalog_parse.h"
#include "common/fileio.h"
#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static uint8_t *
slot_of(struct catalog *catalog, struct slice name)
{
    unsigned hash = (unsigned)name.len * 7;

    if (name.len)
        hash += (unsigned char)name.data[0] * 31u +
                (unsigned char)name.data[name.len - 1] * 5u +
                (unsigned char)name.data[name.len / 2];
    return &catalog->slots[hash % CATALOG_SLOTS];
}

void
catalog_index(struct catalog *catalog, size_t index)
{
    uint8_t *slot = slot_of(catalog, catalog->fields[index].name);

    /* Chains by slot; an index is kept plus one, so that 0 ends a chain. */
    catalog->chain[index] = *slot;
    *slot = (uint8_t)(index + 1);
}

int
catalog_field(const struct catalog *catalog, struct slice name)
{
    int i = *slot_of((struct catalog *)(uintptr_t)catalog, name);

    while (i && !slice_equal(catalog->fields[i - 1].name, name))
        i = catalog->chain[i - 1];
    return i - 1;
}

const struct catalog_field *
catalog_field_at(const struct catalog *catalog, int index)
{
    return &catalog->fields[index];
}

int
catalog_field_count(const struct catalog *catalog)
{
    return (int)catalog->field_count;
}

const struct catalog_event *
catalog_event(const struct catalog *catalog, struct slice name)
{
    for (size_t i = 0; i < catalog->event_count; i++)
        if (slice_equal(catalog->events[i].name, name))
            return &catalog->events[i];
    return NULL;
}

unsigned
catalog_event_index(const struct catalog *catalog, struct slice name)
{
    const struct catalog_event *event = catalog_event(catalog, name);

    return event ? (unsigned)(event - catalog->events) : CATALOG_EVENTS_MAX;
}

struct slice
catalog_event_name(const struct catalog *catalog, unsigned index)
{
    return index < catalog->event_count ? catalog->events[index].name
                                        : (struct slice){NULL, 0};
}

struct slice
catalog_first(const struct catalog *catalog, uint64_t set)
{
    return catalog->fields[__builtin_ctzll(set)].name;
}

void
catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < catalog->field_count; i++) {
        struct catalog_field *field = &catalog->fields[i];

        for (size_t j = 0; j < field->value_count; j++)
            free((char *)(uintptr_t)field->values[j].data);
        free(field->values);
        free((char *)(uintptr_t)field->name.data);
    }
    for (size_t i = 0; i < catalog->event_count; i++)
        free((char *)(uintptr_t)catalog->events[i].name.data);
    free(catalog);
}

int
catalog_load(struct catalog **catalog, struct settings *settings)
{
    const char *path = settings->events.catalog;
    char why[CATALOG_WHY_SIZE] = "";
    char *text = NULL;
    size_t len = 0;
    int r;

    if (!*path)
        return catalog_parse(catalog, catalog_builtin, strlen(catalog_builtin),
                             why);

    r = fileio_read_all(AT_FDCWD, path, CATALOG_FILE_MAX, &text, &len);
    if (r < 0) {
        settings_complain(settings, "events.catalog", "%s cannot be read: %s",
                          path, strerror(-r));
        return -EINVAL;
    }
    r = catalog_parse(catalog, text, len, why);
    free(text);
    if (r < 0)
        settings_complain(settings, "events.catalog", "%s: %s", path, why);
    return r;
}
