#include "shipper/ctl/catalog_json.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdbool.h>

static const char *const types[] = {
    [CATALOG_STRING] = "string",   [CATALOG_NUMBER] = "number",
    [CATALOG_INTEGER] = "integer", [CATALOG_BOOLEAN] = "boolean",
    [CATALOG_OBJECTS] = "objects", [CATALOG_SCALARS] = "scalars",
};

static const char *const formats[] = {
    [CATALOG_ANY] = "any",   [CATALOG_ID] = "id",
    [CATALOG_UUID] = "uuid", [CATALOG_TIME] = "time",
    [CATALOG_PATH] = "path", [CATALOG_CURRENCY] = "currency",
};

static void
put_text(struct buf *out, struct slice text)
{
    (void)buf_putc(out, '"');
    json_escape_printable(out, text.data, text.len);
    (void)buf_putc(out, '"');
}

static void
put_list(struct buf *out, const char *before, const struct slice *texts,
         size_t count)
{
    (void)buf_printf(out, "%s:[", before);
    for (size_t i = 0; i < count; i++) {
        (void)buf_puts(out, i ? "," : "");
        put_text(out, texts[i]);
    }
    (void)buf_putc(out, ']');
}

static size_t
names_of(const struct catalog *catalog, uint64_t set,
         struct slice names[CATALOG_FIELDS_MAX])
{
    size_t count = 0;

    for (int i = 0; i < catalog_field_count(catalog); i++)
        if (set >> i & 1)
            names[count++] = catalog_field_at(catalog, i)->name;
    return count;
}

/* The events that may carry field @index, where not all may. */
static void
put_events(struct buf *out, const struct catalog *catalog, int index)
{
    struct slice names[CATALOG_EVENTS_MAX], name;
    size_t count = 0;
    unsigned all = 0;

    for (; (name = catalog_event_name(catalog, all)).data; all++)
        if (catalog_event(catalog, name)->allowed >> index & 1)
            names[count++] = name;
    if (count < all)
        put_list(out, ",\"events\"", names, count);
}

static void
put_field(struct buf *out, const struct catalog *catalog, int index)
{
    const struct catalog_field *field = catalog_field_at(catalog, index);
    struct slice names[CATALOG_FIELDS_MAX];
    bool bounded =
        field->type == CATALOG_NUMBER || field->type == CATALOG_INTEGER;

    put_text(out, field->name);
    (void)buf_printf(out, ":{\"type\":\"%s\"", types[field->type]);
    if (field->format != CATALOG_ANY)
        (void)buf_printf(out, ",\"format\":\"%s\"", formats[field->format]);
    if (!bounded && field->type != CATALOG_BOOLEAN)
        (void)buf_printf(out,
                         ",\"min_length\":%" PRIu64 ",\"max_length\":%" PRIu64,
                         field->min_length, field->max_length);
    if (bounded && field->min > CATALOG_LEAST)
        (void)buf_printf(out, ",\"min\":%.17g", field->min);
    if (bounded && field->max < CATALOG_MOST)
        (void)buf_printf(out, ",\"max\":%.17g", field->max);
    if (field->value_count)
        put_list(out, ",\"enum\"", field->values, field->value_count);
    if (field->type == CATALOG_OBJECTS)
        put_list(out, ",\"fields\"", names,
                 names_of(catalog, field->inner, names));
    put_events(out, catalog, index);
    (void)buf_putc(out, '}');
}

void
catalog_json(struct buf *out, const struct catalog *catalog)
{
    struct slice names[CATALOG_FIELDS_MAX], name;

    (void)buf_puts(out, "{\"fields\":{");
    for (int i = 0; i < catalog_field_count(catalog); i++) {
        (void)buf_puts(out, i ? "," : "");
        put_field(out, catalog, i);
    }
    (void)buf_puts(out, "},\"events\":{");
    for (unsigned i = 0; (name = catalog_event_name(catalog, i)).data; i++) {
        uint64_t required = catalog_event(catalog, name)->required;

        (void)buf_puts(out, i ? "," : "");
        put_text(out, name);
        (void)buf_puts(out, ":{");
        put_list(out, "\"required\"", names,
                 names_of(catalog, required, names));
        (void)buf_putc(out, '}');
    }
    (void)buf_puts(out, "}}\n");
}
