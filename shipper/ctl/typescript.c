#include "shipper/ctl/typescript.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static const char head[] =
    "// Made by `clickspoolctl types` from the event catalog.\n"
    "\n"
    "export type Scalar = string | number | boolean;\n"
    "\n"
    "/** What every event has beside its own fields. */\n"
    "export interface EventBase {\n"
    "  /** 8 to 64 of A-Za-z0-9_- */\n"
    "  clientId: string;\n"
    "  /** 8 to 64 of A-Za-z0-9_- */\n"
    "  sessionId: string;\n"
    "  /** a UUID, the same in each try; made by the server where absent */\n"
    "  eventId?: string;\n"
    "  /** RFC 3339, or milliseconds since 1970; the time of receipt where "
    "absent */\n"
    "  eventTimestamp?: string | number;\n"
    "}\n"
    "\n"
    "/** Each event's own fields, by its eventName. */\n"
    "export interface EventFields {\n";

static const char tail[] =
    "}\n"
    "\n"
    "export type EventName = keyof EventFields;\n"
    "\n"
    "/** An event as it is posted: of one name, or of any. */\n"
    "export type ShopEvent<Name extends EventName = EventName> = {\n"
    "  [N in Name]: EventBase & { eventName: N } & EventFields[N];\n"
    "}[Name];\n";

static void
put_text(struct buf *out, struct slice text)
{
    (void)buf_putc(out, '"');
    json_escape_printable(out, text.data, text.len);
    (void)buf_putc(out, '"');
}

/* A catalog's names are of A-Za-z0-9_-. and not all are identifiers. */
static void
put_name(struct buf *out, struct slice name)
{
    bool plain = *name.data < '0' || *name.data > '9';

    for (size_t i = 0; i < name.len; i++)
        plain = plain && name.data[i] != '-' && name.data[i] != '.';
    if (plain)
        (void)buf_append(out, name.data, name.len);
    else
        put_text(out, name);
}

static const char *
format_told(enum catalog_format format)
{
    switch (format) {
    case CATALOG_ANY:
        break;
    case CATALOG_ID:
        return "8 to 64 of A-Za-z0-9_-";
    case CATALOG_UUID:
        return "a UUID";
    case CATALOG_TIME:
        return "RFC 3339";
    case CATALOG_CURRENCY:
        return "three capitals, ISO 4217";
    case CATALOG_PATH:
        return "begins with a slash";
    }
    return "";
}

static bool
has_own_length(enum catalog_format format)
{
    return format != CATALOG_ANY && format != CATALOG_PATH;
}

static void
put_lengths(struct buf *out, const struct catalog_field *field,
            const char *what)
{
    if (field->min_length)
        (void)buf_printf(out, "%" PRIu64 " to %" PRIu64 " %s",
                         field->min_length, field->max_length, what);
    else
        (void)buf_printf(out, "at most %" PRIu64 " %s", field->max_length,
                         what);
}

static void
put_bounds(struct buf *out, const struct catalog_field *field)
{
    if (field->min > CATALOG_LEAST)
        (void)buf_printf(out, ", from %.15g", field->min);
    if (field->max < CATALOG_MOST)
        (void)buf_printf(out, ", up to %.15g", field->max);
}

static void
put_comment(struct buf *out, const struct catalog_field *field,
            const char *margin)
{
    const char *format = format_told(field->format);

    if (field->type == CATALOG_BOOLEAN || field->value_count)
        return; /* the type says all */
    (void)buf_printf(out, "%s/** ", margin);
    switch (field->type) {
    case CATALOG_STRING:
        (void)buf_puts(out, format);
        if (!has_own_length(field->format)) {
            (void)buf_puts(out, *format ? ", " : "");
            put_lengths(out, field, "characters");
        }
        break;
    case CATALOG_NUMBER:
        (void)buf_puts(out, "a number");
        put_bounds(out, field);
        break;
    case CATALOG_INTEGER:
        (void)buf_puts(out, "a whole number");
        put_bounds(out, field);
        break;
    case CATALOG_OBJECTS:
        put_lengths(out, field, "elements");
        break;
    case CATALOG_SCALARS:
        put_lengths(out, field, "members, named by 1 to 40 of A-Za-z0-9_");
        break;
    case CATALOG_BOOLEAN:
        break;
    }
    (void)buf_puts(out, " */\n");
}

static void put_fields(struct buf *out, const struct catalog *catalog,
                       const struct catalog_event *event, const char *margin);

static void
put_type(struct buf *out, const struct catalog *catalog,
         const struct catalog_field *field)
{
    switch (field->type) {
    case CATALOG_STRING:
        for (size_t i = 0; i < field->value_count; i++) {
            (void)buf_puts(out, i ? " | " : "");
            put_text(out, field->values[i]);
        }
        if (!field->value_count)
            (void)buf_puts(out, "string");
        break;
    case CATALOG_NUMBER:
    case CATALOG_INTEGER:
        (void)buf_puts(out, "number");
        break;
    case CATALOG_BOOLEAN:
        (void)buf_puts(out, "boolean");
        break;
    case CATALOG_OBJECTS: /* of scalars: it goes no deeper */
        (void)buf_puts(out, "Array<{\n");
        put_fields(out, catalog,
                   &(struct catalog_event){.allowed = field->inner}, "      ");
        (void)buf_puts(out, "    }>");
        break;
    case CATALOG_SCALARS:
        (void)buf_puts(out, "{ [name: string]: Scalar }");
        break;
    }
}

static void
put_fields(struct buf *out, const struct catalog *catalog,
           const struct catalog_event *event, const char *margin)
{
    for (int i = 0; i < catalog_field_count(catalog); i++) {
        const struct catalog_field *field = catalog_field_at(catalog, i);

        if (!(event->allowed >> i & 1))
            continue;
        put_comment(out, field, margin);
        (void)buf_puts(out, margin);
        put_name(out, field->name);
        (void)buf_puts(out, event->required >> i & 1 ? ": " : "?: ");
        put_type(out, catalog, field);
        (void)buf_puts(out, ";\n");
    }
}

void
typescript_write(struct buf *out, const struct catalog *catalog)
{
    struct slice name;

    (void)buf_puts(out, head);
    for (unsigned i = 0; (name = catalog_event_name(catalog, i)).data; i++) {
        (void)buf_puts(out, "  ");
        put_name(out, name);
        (void)buf_puts(out, ": {\n");
        put_fields(out, catalog, catalog_event(catalog, name), "    ");
        (void)buf_puts(out, "  };\n");
    }
    (void)buf_puts(out, tail);
}
