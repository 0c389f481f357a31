/*
 * The catalog's file: what it says is done, and each fault is told with its
 * place.
 */
#include "common/catalog.h"

#include "common/buf.h"
#include "tests/check.h"

#include <errno.h>

static char why[CATALOG_WHY_SIZE];

static int
parse(struct catalog **catalog, const char *text)
{
    why[0] = '\0';
    return catalog_parse(catalog, text, strlen(text), why);
}

static void
the_built_in_one_is_the_contracts(void)
{
    static const char *const events[] = {"page_view", "product_view",
                                         "add_to_cart", "checkout_start",
                                         "checkout_complete"};
    struct catalog *catalog;
    const struct catalog_event *event;
    int product, items;

    CHECK_INT(parse(&catalog, catalog_builtin), 0);
    product = catalog_field(catalog, SLICE("productId"));
    items = catalog_field(catalog, SLICE("items"));
    CHECK(product >= 0 && items >= 0);
    CHECK_INT(catalog_field(catalog, SLICE("productid")), -1);
    CHECK_INT(catalog_field(catalog, SLICE("")), -1);
    CHECK(!catalog_event(catalog, SLICE("page_vie")));
    for (size_t i = 0; i < 5; i++) {
        event = catalog_event(
            catalog, (struct slice){events[i], strlen(events[i])});
        CHECK(event);
        CHECK_INT(event->required >> product & 1, i == 1 || i == 2);
        CHECK_INT(event->allowed >> items & 1, i >= 2);
    }
    CHECK_INT(catalog_field_at(catalog, items)->max_length, 50);
    CHECK(!(catalog_field_at(catalog, items)->inner >> items & 1));
    CHECK(slice_is(catalog_first(catalog, UINT64_C(1) << product),
                   "productId"));
    catalog_free(catalog);
    catalog_free(NULL);
}

static void
each_fault_is_told_with_its_place(void)
{
#define EVENTS ",\"events\":{\"e\":{}}}"
#define FIELD(text) "{\"fields\":{\"f\":" text "}" EVENTS
    static const char *const rows[][2] = {
        {"", "this is no JSON"},
        {"[]", "this is no object"},
        {"{}", "give two objects, \"fields\" and \"events\""},
        {"{\"fields\":{}}", "give two objects"},
        {"{\"fields\":[]" EVENTS, "give two objects"},
        {"{\"fields\":{},\"more\":1" EVENTS, "unknown key \"more\""},
        {"{\"fields\":{},\"fields\":{}" EVENTS,
         "\"fields\" stands there twice"},
        {FIELD("7"), "\"f\": this is no object"},
        {FIELD("{}"), "\"f\": \"type\" is missing"},
        {FIELD("{\"type\":\"text\"}"), "\"f\": \"type\" is \"text\""},
        {FIELD("{\"type\":1}"), "\"type\" is \"no string\""},
        {FIELD("{\"type\":\"string\",\"max\":\"1\"}"),
         "\"max\" is not a number"},
        {FIELD("{\"type\":\"string\",\"max_length\":-1}"),
         "\"max_length\" is not a whole number"},
        {FIELD("{\"type\":\"string\",\"max_len\":1}"),
         "unknown key \"max_len\""},
        {FIELD("{\"type\":\"string\",\"format\":\"uri\"}"),
         "\"format\" is \"uri\""},
        {FIELD("{\"type\":\"number\",\"format\":\"path\"}"),
         "\"format\" is for strings"},
        {FIELD("{\"type\":\"string\",\"enum\":[]}"), "\"enum\" is a list"},
        {FIELD("{\"type\":\"string\",\"enum\":[\"a\",1]}"),
         "\"enum\" is a list"},
        {FIELD("{\"type\":\"number\",\"enum\":[\"a\"]}"),
         "\"enum\" is a list of strings, for a string"},
        {FIELD("{\"type\":\"objects\"}"),
         "\"fields\" goes with type \"objects\""},
        {FIELD("{\"type\":\"string\",\"fields\":[]}"),
         "\"fields\" goes with type \"objects\""},
        {FIELD("{\"type\":\"objects\",\"fields\":[\"g\"]}"),
         "\"fields\" names \"g\", which is no field"},
        {FIELD("{\"type\":\"objects\",\"fields\":[\"f\"]}"),
         "\"fields\" names one that is no scalar"},
        {FIELD("{\"type\":\"string\",\"events\":[\"x\"]}"),
         "\"events\" names \"x\", which is none"},
        {FIELD("{\"type\":\"string\",\"events\":\"e\"}"),
         "\"events\" is a list"},
        {"{\"fields\":{\"eventId\":{\"type\":\"string\"}}" EVENTS,
         "\"eventId\": this name is the program's own"},
        {"{\"fields\":{\"sourceIp\":{\"type\":\"string\"}}" EVENTS,
         "this name is the program's own"},
        {"{\"fields\":{\"_f\":{\"type\":\"string\"}}" EVENTS,
         "this name is the program's own"},
        {"{\"fields\":{\"a b\":{\"type\":\"string\"}}" EVENTS,
         "\"a b\" is no name"},
        {"{\"fields\":{\"\":{\"type\":\"string\"}}" EVENTS,
         "\"\" is no name"},
        {"{\"fields\":{\"f\":{\"type\":\"string\"},"
         "\"f\":{\"type\":\"string\"}}" EVENTS,
         "\"f\": this field stands there twice"},
        {"{\"fields\":{},\"events\":{\"e\":{},\"e\":{}}}",
         "\"e\": this event stands there twice"},
        {"{\"fields\":{},\"events\":{\"e\":{\"require\":[]}}}",
         "unknown key \"require\""},
        {"{\"fields\":{},\"events\":{\"e\":{\"required\":[\"f\"]}}}",
         "\"e\": \"required\" names \"f\", which is no field"},
        {"{\"fields\":{},\"events\":{\"e\":{\"required\":\"f\"}}}",
         "\"required\" is a list"},
        {"{\"fields\":{},\"events\":{\"e e\":{}}}", "\"e e\" is no name"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct catalog *catalog = NULL;

        CHECK_INT(parse(&catalog, rows[i][0]), -EINVAL);
        CHECK(!catalog);
        if (!strstr(why, rows[i][1]))
            CHECK_STR(why, rows[i][1]);
    }
}

/* A catalog of so many fields and events, with names of @length letters. */
static int
parse_many(int fields, int events, int length)
{
    struct catalog *catalog;
    struct buf text;
    int r;

    buf_init(&text, CATALOG_FILE_MAX);
    (void)buf_puts(&text, "{\"fields\":{");
    for (int i = 0; i < fields; i++)
        (void)buf_printf(&text, "%s\"f%0*d\":{\"type\":\"string\"}",
                         i ? "," : "", length - 1, i);
    (void)buf_puts(&text, "},\"events\":{");
    for (int i = 0; i < events; i++)
        (void)buf_printf(&text, "%s\"e%d\":{}", i ? "," : "", i);
    CHECK_INT(buf_append(&text, "}}", sizeof("}}")), 0);
    r = parse(&catalog, text.data);
    if (!r) {
        for (int i = 0; i < fields; i++) {
            char name[80];

            (void)snprintf(name, sizeof(name), "f%0*d", length - 1, i);
            CHECK_INT(catalog_field(catalog,
                                    (struct slice){name, strlen(name)}), i);
        }
        catalog_free(catalog);
    }
    buf_deinit(&text);
    return r;
}

static void
a_bound_holds_at_its_very_number(void)
{
    CHECK_INT(parse_many(CATALOG_FIELDS_MAX, CATALOG_EVENTS_MAX, 3), 0);
    CHECK_INT(parse_many(CATALOG_FIELDS_MAX + 1, 1, 3), -EINVAL);
    CHECK(strstr(why, "there can be 64 fields"));
    CHECK_INT(parse_many(1, CATALOG_EVENTS_MAX + 1, 3), -EINVAL);
    CHECK(strstr(why, "there can be 64 events"));
    CHECK_INT(parse_many(2, 1, CATALOG_NAME_MAX), 0);
    CHECK_INT(parse_many(2, 1, CATALOG_NAME_MAX + 1), -EINVAL);
    CHECK(strstr(why, "is no name"));
}

static void
cut_anywhere_the_file_is_refused(void)
{
    struct catalog *catalog;

    for (size_t cut = 0; cut < strlen(catalog_builtin); cut++)
        CHECK_INT(catalog_parse(&catalog, catalog_builtin, cut, why),
                  -EINVAL);
}

int
main(void)
{
    the_built_in_one_is_the_contracts();
    each_fault_is_told_with_its_place();
    a_bound_holds_at_its_very_number();
    cut_anywhere_the_file_is_refused();
    return 0;
}
