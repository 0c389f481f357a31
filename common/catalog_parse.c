#include "common/catalog_parse.h"

#include "common/event_fields.h"
#include "common/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
    struct catalog *catalog;
    char *why;
    const char *place; /* the field or event that is being read */
};

__attribute__((format(printf, 2, 3))) static int
fault(struct reader *reader, const char *format, ...)
{
    size_t len = 0;
    va_list args;

    if (reader->place)
        len = (size_t)snprintf(reader->why, CATALOG_WHY_SIZE,
                               "\"%.64s\": ", reader->place);
    va_start(args, format);
    (void)vsnprintf(reader->why + len, CATALOG_WHY_SIZE - len, format, args);
    va_end(args);
    return -EINVAL;
}

static int
copy_name(struct reader *reader, const char *text, struct slice *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(text);

    if (!len || len > CATALOG_NAME_MAX || *text == '_' ||
        strspn(text, letters) != len)
        return fault(reader,
                     "\"%.64s\" is no name: give 1 to %d of "
                     "A-Za-z0-9_-. that do not begin with _",
                     text, CATALOG_NAME_MAX);
    name->data = strdup(text);
    name->len = len;
    return name->data ? 0 : -ENOMEM;
}

static int
read_word(struct reader *reader, const cJSON *item, const char *const *words,
          int *index)
{
    const char *text = cJSON_GetStringValue(item);

    for (*index = 0; words[*index]; (*index)++)
        if (text && !strcmp(text, words[*index]))
            return 0;
    return fault(reader,
                 "\"%s\" is \"%.40s\": give one of the words in the "
                 "documentation, as in \"%s\"",
                 item->string, text ? text : "no string", words[0]);
}

static int
read_length(struct reader *reader, const cJSON *field, const char *name,
            uint64_t *value)
{
    if (!cJSON_GetObjectItemCaseSensitive(field, name))
        return 0;
    if (!json_get_uint(field, name, value))
        return fault(reader, "\"%s\" is not a whole number from 0", name);
    return 0;
}

static int
read_bound(struct reader *reader, const cJSON *field, const char *name,
           double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(field, name);

    if (!item)
        return 0;
    if (!cJSON_IsNumber(item))
        return fault(reader, "\"%s\" is not a number", name);
    *value = item->valuedouble;
    return 0;
}

static int
read_values(struct reader *reader, const cJSON *field,
            struct catalog_field *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(field, "enum");
    const cJSON *item;

    if (!list)
        return 0;
    if (!cJSON_IsArray(list) || !cJSON_GetArraySize(list) ||
        out->type != CATALOG_STRING)
        return fault(reader, "\"enum\" is a list of strings, for a string");
    out->values =
        calloc((size_t)cJSON_GetArraySize(list), sizeof(*out->values));
    if (!out->values)
        return -ENOMEM;
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(item);

        if (!text)
            return fault(reader, "\"enum\" is a list of strings");
        out->values[out->value_count] =
            (struct slice){strdup(text), strlen(text)};
        if (!out->values[out->value_count].data)
            return -ENOMEM;
        out->value_count++;
    }
    return 0;
}

static int
check_members(struct reader *reader, const cJSON *object,
              const char *const *known)
{
    const cJSON *item, *again;

    if (!cJSON_IsObject(object))
        return fault(reader, "this is no object");
    cJSON_ArrayForEach(item, object)
    {
        size_t i = 0;

        while (known[i] && strcmp(known[i], item->string))
            i++;
        if (!known[i])
            return fault(reader, "unknown key \"%.40s\"", item->string);
        for (again = item->next; again; again = again->next)
            if (!strcmp(again->string, item->string))
                return fault(reader, "\"%.40s\" stands there twice",
                             item->string);
    }
    return 0;
}

static int
read_field(struct reader *reader, const cJSON *field)
{
    static const char *const known[] = {"type",       "format", "min_length",
                                        "max_length", "min",    "max",
                                        "enum",       "fields", "events",
                                        NULL};
    static const char *const types[] = {"string",  "number",  "integer",
                                        "boolean", "objects", "scalars",
                                        NULL};
    static const char *const formats[] = {"any",      "id",   "uuid", "time",
                                          "currency", "path", NULL};
    struct catalog *catalog = reader->catalog;
    struct catalog_field *out = &catalog->fields[catalog->field_count];
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(field, "format");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(field, "type");
    int index = 0, r;

    reader->place = field->string;
    if (catalog->field_count == CATALOG_FIELDS_MAX)
        return fault(reader, "there can be %d fields", CATALOG_FIELDS_MAX);
    if (event_field_role(
            (struct slice){field->string, strlen(field->string)}) !=
        EVENT_FIELD_CATALOG)
        return fault(reader, "this name is the program's own");
    if (catalog_field(catalog, (struct slice){field->string,
                                              strlen(field->string)}) >= 0)
        return fault(reader, "this field stands there twice");
    r = check_members(reader, field, known);
    if (!r && !type)
        r = fault(reader, "\"type\" is missing");
    if (!r)
        r = read_word(reader, type, types, &index);
    if (r)
        return r;
    *out = (struct catalog_field){
        .type = (enum catalog_type)index,
        .max_length = index == CATALOG_STRING ? 2048 : 50,
        .min = CATALOG_LEAST,
        .max = CATALOG_MOST,
    };
    r = copy_name(reader, field->string, &out->name);
    if (r)
        return r;
    catalog_index(catalog, catalog->field_count++);

    if (format)
        r = read_word(reader, format, formats, &index);
    out->format = format && !r ? (enum catalog_format)index : CATALOG_ANY;
    if (!r && format && out->type != CATALOG_STRING)
        r = fault(reader, "\"format\" is for strings");
    if (!r)
        r = read_length(reader, field, "min_length", &out->min_length);
    if (!r)
        r = read_length(reader, field, "max_length", &out->max_length);
    if (!r)
        r = read_bound(reader, field, "min", &out->min);
    if (!r)
        r = read_bound(reader, field, "max", &out->max);
    return r ? r : read_values(reader, field, out);
}

/* A list of field names to a set. */
static int
read_set(struct reader *reader, const cJSON *list, uint64_t *set)
{
    const cJSON *item;

    if (!list)
        return 0;
    if (!cJSON_IsArray(list))
        return fault(reader, "\"%s\" is a list of field names", list->string);
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);
        int index = name ? catalog_field(reader->catalog,
                                         (struct slice){name, strlen(name)})
                         : -1;

        if (index < 0)
            return fault(reader, "\"%s\" names \"%.40s\", which is no field",
                         list->string, name ? name : "no string");
        *set |= UINT64_C(1) << index;
    }
    return 0;
}

/* The second pass over the fields: lists may name later ones. */
static int
read_inner(struct reader *reader, const cJSON *field, int index)
{
    struct catalog_field *out = &reader->catalog->fields[index];
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(field, "fields");
    int r;

    reader->place = field->string;
    if ((out->type == CATALOG_OBJECTS) != (list != NULL))
        return fault(reader, "\"fields\" goes with type \"objects\"");
    r = read_set(reader, list, &out->inner);
    for (int i = 0; !r && i < (int)reader->catalog->field_count; i++)
        if (out->inner >> i & 1 &&
            reader->catalog->fields[i].type >= CATALOG_OBJECTS)
            r = fault(reader, "\"fields\" names one that is no scalar");
    return r;
}

static int
read_event(struct reader *reader, const cJSON *event)
{
    static const char *const known[] = {"required", NULL};
    struct catalog *catalog = reader->catalog;
    struct catalog_event *out = &catalog->events[catalog->event_count];
    int r;

    reader->place = event->string;
    if (catalog->event_count == CATALOG_EVENTS_MAX)
        return fault(reader, "there can be %d events", CATALOG_EVENTS_MAX);
    if (catalog_event(catalog,
                      (struct slice){event->string, strlen(event->string)}))
        return fault(reader, "this event stands there twice");
    r = check_members(reader, event, known);
    if (!r)
        r = copy_name(reader, event->string, &out->name);
    if (r)
        return r;
    catalog->event_count++;
    out->allowed = ~UINT64_C(0);
    return read_set(reader, cJSON_GetObjectItemCaseSensitive(event, "required"),
                    &out->required);
}

/* A field's "events" keeps it out of all others. */
static int
restrict_field(struct reader *reader, const cJSON *field, int index)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(field, "events");
    struct catalog *catalog = reader->catalog;
    const cJSON *item;

    reader->place = field->string;
    if (!list)
        return 0;
    if (!cJSON_IsArray(list))
        return fault(reader, "\"events\" is a list of event names");
    for (size_t i = 0; i < catalog->event_count; i++)
        catalog->events[i].allowed &= ~(UINT64_C(1) << index);
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);
        const struct catalog_event *event =
            name ? catalog_event(catalog, (struct slice){name, strlen(name)})
                 : NULL;

        if (!event)
            return fault(reader, "\"events\" names \"%.40s\", which is none",
                         name ? name : "no string");
        catalog->events[event - catalog->events].allowed |= UINT64_C(1)
                                                            << index;
    }
    return 0;
}

static int
read_tree(struct reader *reader, const cJSON *tree)
{
    static const char *const known[] = {"fields", "events", NULL};
    const cJSON *fields = cJSON_GetObjectItemCaseSensitive(tree, "fields");
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(tree, "events");
    const cJSON *item;
    int r, index;

    r = check_members(reader, tree, known);
    if (!r && (!cJSON_IsObject(fields) || !cJSON_IsObject(events)))
        r = fault(reader, "give two objects, \"fields\" and \"events\"");
    if (r)
        return r;
    for (item = fields->child; item && !r; item = item->next)
        r = read_field(reader, item);
    for (item = fields->child, index = 0; item && !r; item = item->next)
        r = read_inner(reader, item, index++);
    for (item = events->child; item && !r; item = item->next)
        r = read_event(reader, item);
    for (item = fields->child, index = 0; item && !r; item = item->next)
        r = restrict_field(reader, item, index++);
    return r;
}

int
catalog_parse(struct catalog **out, const char *text, size_t len,
              char why[CATALOG_WHY_SIZE])
{
    struct reader reader = {.why = why};
    cJSON *tree;
    int r;

    reader.catalog = calloc(1, sizeof(*reader.catalog));
    if (!reader.catalog)
        return -ENOMEM;
    tree = json_parse(text, len);
    r = tree ? read_tree(&reader, tree) : fault(&reader, "this is no JSON");
    cJSON_Delete(tree);
    if (r < 0)
        catalog_free(reader.catalog);
    else
        *out = reader.catalog;
    return r;
}
