#include "ingest/event_making.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "ingest/event_value.h"
#include "ingest/ip.h"

#include <netinet/in.h>

/* What the shop's API says of its own request, and of who made it. */
static const struct catalog_field fields[] = {
    {.name = {"userId", 6}, .type = CATALOG_STRING, .max_length = 128},
    {.name = {"userLoginState", 14}, .type = CATALOG_STRING, .max_length = 32},
    {.name = {"identitySource", 14}, .type = CATALOG_STRING, .max_length = 64},
    {.name = {"path", 4}, .type = CATALOG_STRING, .max_length = 2048},
    {.name = {"method", 6}, .type = CATALOG_STRING, .max_length = 16},
    {.name = {"statusCode", 10},
     .type = CATALOG_INTEGER,
     .min = 100,
     .max = 599},
    {.name = {"latencyMs", 9}, .type = CATALOG_NUMBER, .max = 1e9},
    {.name = {"userAgent", 9}, .type = CATALOG_STRING, .max_length = 512},
    {.name = {"sourceIp", 8}, .type = CATALOG_STRING, .max_length = 45},
    {.name = {"requestId", 9}, .type = CATALOG_STRING, .max_length = 64},
};

static bool
is_category(struct slice text)
{
    static const char *const categories[] = {"auth", "crud", "upload",
                                             "business", "app"};

    for (size_t i = 0; i < sizeof(categories) / sizeof(*categories); i++)
        if (slice_is(text, categories[i]))
            return true;
    return false;
}

static bool
is_action(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '.' && c != '-')
            return false;
    }
    return text.len && text.len <= 64;
}

static bool
is_outcome(struct slice text)
{
    return slice_is(text, "success") || slice_is(text, "failure");
}

static void
write_value(struct making *making, struct slice name,
            const struct scan_value *value)
{
    event_write_name(making->out, name);
    (void)buf_append(making->out, value->bytes.data, value->bytes.len);
}

/* A word of which few are right. */
static struct slice
take_word(struct making *making, struct slice name,
          const struct scan_value *value, bool (*good)(struct slice),
          const char *wants)
{
    if (value->kind != SCAN_STRING) {
        event_refuse(making, "wrong_type", name, wants);
        return (struct slice){NULL, 0};
    }
    if (value->escaped || !good(scan_text(value)))
        event_refuse(making, "bad_format", name, wants);
    write_value(making, name, value);
    return scan_text(value);
}

static void
take_field(struct making *making, const struct catalog_field *field,
           const struct scan_value *value)
{
    struct event_fault fault = event_value_judge(field, value);

    if (fault.code) {
        event_refuse(making, fault.code, field->name, fault.wants);
        return;
    }
    if (slice_is(field->name, "sourceIp")) {
        making->address = value->bytes;
        return;
    }
    if (slice_is(field->name, "userAgent")) {
        making->agent = value->bytes;
        return;
    }
    making->identity_source |= slice_is(field->name, "identitySource");
    making->request_id |= slice_is(field->name, "requestId");
    write_value(making, field->name, value);
}

bool
event_api_take(struct making *making, struct slice name,
               const struct scan_value *value)
{
    if (slice_is(name, "logCategory")) {
        making->category = take_word(making, name, value, is_category,
                                     "auth, crud, upload, business or app");
        return true;
    }
    if (slice_is(name, "action")) {
        making->action = true;
        (void)take_word(making, name, value, is_action,
                        "1 to 64 of a-z 0-9 _ . -");
        return true;
    }
    if (slice_is(name, "outcome")) {
        (void)take_word(making, name, value, is_outcome, "success or failure");
        return true;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (slice_equal(name, fields[i].name)) {
            take_field(making, &fields[i], value);
            return true;
        }
    return false;
}

void
event_api_judge(struct making *making)
{
    if (!making->category.data)
        event_refuse(making, "missing_field", SLICE("logCategory"),
                     "this field");
    else if (!making->action && !slice_is(making->category, "business"))
        event_refuse(making, "missing_field", SLICE("action"), "this field");
}

static void
write_address(const struct making *making)
{
    struct slice sent = making->address;
    char text[INET6_ADDRSTRLEN];
    struct ip ip;

    if (!sent.data || making->rules->source_ip == POLICY_IP_NONE)
        return;
    if (making->rules->source_ip == POLICY_IP_NETWORK) {
        ip = ip_parse((struct slice){sent.data + 1, sent.len - 2});
        if (!ip.known) /* nobody can say what of it is a network */
            return;
        ip = ip_network(&ip);
        ip_print(&ip, text);
        (void)buf_printf(making->out, ",\"sourceIp\":\"%s\"", text);
        return;
    }
    event_write_name(making->out, SLICE("sourceIp"));
    (void)buf_append(making->out, sent.data, sent.len);
}

/* What of a person may be kept: [privacy] rules here as at the public door. */
static void
write_person(const struct making *making)
{
    if (event_is_anonymous(making))
        return;
    if (making->agent.data && !making->rules->drop_agent) {
        event_write_name(making->out, SLICE("userAgent"));
        (void)buf_append(making->out, making->agent.data, making->agent.len);
    }
    write_address(making);
}

void
event_api_end(const struct making *making, const struct event_server *server)
{
    struct buf *out = making->out;

    if (!out->failed)
        out->len--; /* the comma that others need */
    write_person(making);
    if (!making->identity_source)
        (void)buf_puts(out, ",\"identitySource\":\"api\"");
    if (!making->request_id) {
        (void)buf_puts(out, ",\"requestId\":\"");
        (void)buf_puts(out, server->request_id);
        (void)buf_putc(out, '"');
    }
}
