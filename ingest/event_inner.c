#include "ingest/event_making.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "ingest/event_value.h"

#include <stdio.h>

/* A member's name for a message: bounded and printable, RFC 6901's escapes. */
static size_t
print_name(char *out, size_t size, struct slice name)
{
    size_t len = 0;

    for (size_t i = 0; i < name.len && i < EVENT_UNKNOWN_NAME_MAX; i++) {
        char c = name.data[i];

        if (len + 3 > size)
            break;
        if (c == '~' || c == '/') {
            out[len++] = '~';
            out[len++] = c == '~' ? '0' : '1';
        } else {
            out[len++] = c >= ' ' && c < 0x7f ? c : '?';
        }
    }
    out[len] = '\0';
    return len;
}

void
event_refuse(struct making *making, const char *code, struct slice field,
             const char *wants)
{
    struct event_error *error = making->error;

    if (error->code)
        return;
    error->code = code;
    error->pointer[0] = field.data ? '/' : '\0';
    if (field.data)
        (void)print_name(error->pointer + 1, EVENT_POINTER_SIZE - 1, field);
    (void)snprintf(error->detail, EVENT_DETAIL_SIZE, "%s%s",
                   wants ? "Give " : "", wants ? wants : "");
}

/* The same within a container: /items/3/price, /props/size. */
static void
refuse_inner(struct making *making, const char *code, struct slice field,
             long index, struct slice inner, const char *wants)
{
    char *pointer = making->error->pointer;
    size_t len;

    if (making->error->code)
        return;
    event_refuse(making, code, field, wants);
    len = strlen(pointer);
    if (index >= 0)
        len += (size_t)snprintf(pointer + len, EVENT_POINTER_SIZE - len, "/%ld",
                                index);
    if (inner.data && len + 2 < EVENT_POINTER_SIZE) {
        pointer[len++] = '/';
        (void)print_name(pointer + len, EVENT_POINTER_SIZE - len, inner);
    }
}

void
event_write_name(struct buf *out, struct slice name)
{
    (void)buf_append(out, ",\"", 2);
    (void)buf_append(out, name.data, name.len);
    (void)buf_append(out, "\":", 2);
}

/* `{"a":1,` where each member but the first has a comma before it. */
static void
write_inner(struct buf *out, bool *first, struct slice name,
            const struct scan_value *value)
{
    (void)buf_puts(out, *first ? "\"" : ",\"");
    (void)buf_append(out, name.data, name.len);
    (void)buf_puts(out, "\":");
    scan_copy(out, value);
    *first = false;
}

bool
event_is_plain_name(struct slice name)
{
    if (!name.len || name.len > 40)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

void
event_take_scalars(struct making *making, const struct catalog_field *field,
                   const struct scan_value *value)
{
    struct scan_value inner;
    bool escaped, first = true;
    uint64_t count = 0;
    struct slice name;
    struct scan scan;

    (void)scan_open(&scan, value->bytes);
    (void)buf_putc(making->out, '{');
    while (scan_next(&scan, &name, &escaped, &inner) == SCAN_FOUND) {
        if (inner.kind == SCAN_NULL)
            continue; /* as if it were not there */
        if (escaped || !event_is_plain_name(name))
            refuse_inner(making, "bad_format", field->name, -1, name,
                         "names of 1 to 40 of A-Z a-z 0-9 _");
        else if (inner.kind == SCAN_OBJECT || inner.kind == SCAN_ARRAY)
            refuse_inner(making, "wrong_type", field->name, -1, name,
                         "a string, a number, true or false");
        else if (inner.odd)
            refuse_inner(making, "bad_format", field->name, -1, name,
                         "no \\u0000 and no half of a surrogate pair");
        else if (++count > field->max_length)
            event_refuse(making, "too_long", field->name, "fewer members");
        else
            write_inner(making->out, &first, name, &inner);
    }
    (void)buf_putc(making->out, '}');
}

static void
take_element(struct making *making, const struct catalog_field *field,
             long index, const struct scan_value *element)
{
    const struct catalog *catalog = making->rules->catalog;
    struct scan_value value;
    bool escaped, first = true;
    struct slice name;
    struct scan scan;

    (void)scan_open(&scan, element->bytes);
    (void)buf_puts(making->out, index ? ",{" : "{");
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND) {
        int inner = escaped ? -1 : catalog_field(catalog, name);
        struct event_fault fault;

        if (value.kind == SCAN_NULL)
            continue;
        if (inner < 0 || !(field->inner >> inner & 1)) {
            refuse_inner(making, "unknown_field", field->name, index, name,
                         "only the fields that the catalog names");
            continue;
        }
        fault = event_value_judge(catalog_field_at(catalog, inner), &value);
        if (fault.code)
            refuse_inner(making, fault.code, field->name, index, name,
                         fault.wants);
        write_inner(making->out, &first, name, &value);
    }
    (void)buf_putc(making->out, '}');
}

void
event_take_objects(struct making *making, const struct catalog_field *field,
                   const struct scan_value *value)
{
    struct scan_value element;
    struct slice name;
    struct scan scan;
    long index = 0;
    bool escaped;

    (void)scan_open(&scan, value->bytes);
    (void)buf_putc(making->out, '[');
    for (; scan_next(&scan, &name, &escaped, &element) == SCAN_FOUND; index++) {
        if (element.kind != SCAN_OBJECT)
            refuse_inner(making, "wrong_type", field->name, index,
                         (struct slice){NULL, 0}, "an object");
        else if ((uint64_t)index >= field->max_length)
            event_refuse(making, "too_long", field->name, "fewer elements");
        if (!making->error->code)
            take_element(making, field, index, &element);
    }
    (void)buf_putc(making->out, ']');
}
