#include "ingest/event.h"

#include "common/buf.h"
#include "common/catalog.h"
#include "common/event_fields.h"
#include "common/line.h"
#include "common/timefmt.h"
#include "common/uuid.h"
#include "ingest/event_making.h"
#include "ingest/event_value.h"
#include "ingest/scan.h"

static void
take_known(struct making *making, int index, const struct scan_value *value)
{
    const struct catalog_field *field =
        catalog_field_at(making->rules->catalog, index);
    struct event_fault fault = event_value_judge(field, value);

    if (fault.code) {
        event_refuse(making, fault.code, field->name, fault.wants);
        return;
    }
    making->present |= UINT64_C(1) << index;
    event_write_name(making->out, field->name);
    if (field->type == CATALOG_OBJECTS)
        event_take_objects(making, field, value);
    else if (field->type == CATALOG_SCALARS)
        event_take_scalars(making, field, value);
    else
        (void)buf_append(making->out, value->bytes.data, value->bytes.len);
}

/* What the catalog does not name, where it is wanted all the same. */
static void
take_unknown(struct making *making, struct slice name, bool escaped,
             const struct scan_value *value)
{
    if (!making->rules->keep_unknown) {
        event_refuse(making, "unknown_field", name,
                     "only the fields that the catalog names");
    } else if (escaped || !event_is_plain_name(name)) {
        event_refuse(making, "bad_format", name,
                     "names of 1 to 40 of A-Z a-z 0-9 _");
    } else if (value->odd) {
        event_refuse(making, "bad_format", name,
                     "no \\u0000, no half of a surrogate pair, plain names");
    } else if (value->bytes.len > EVENT_UNKNOWN_BYTES_MAX) {
        event_refuse(making, "too_long", name, "less");
    } else {
        event_write_name(making->out, name);
        scan_copy(making->out, value);
    }
}

static struct slice
take_text(struct making *making, struct slice name,
          const struct scan_value *value)
{
    if (value->kind != SCAN_STRING)
        event_refuse(making, "wrong_type", name, "a string");
    else if (value->escaped)
        event_refuse(making, "bad_format", name, "text without escapes");
    else
        return scan_text(value);
    return (struct slice){NULL, 0};
}

static struct slice
take_id(struct making *making, struct slice name,
        const struct scan_value *value)
{
    struct slice text = take_text(making, name, value);

    if (text.data && !event_value_is_id(text))
        event_refuse(making, "bad_format", name, "8 to 64 of A-Z a-z 0-9 _ -");
    event_write_name(making->out, name);
    (void)buf_append(making->out, value->bytes.data, value->bytes.len);
    return text;
}

/* RFC 3339 text, or a whole number of milliseconds since 1970. */
static void
take_time(struct making *making, struct slice name,
          const struct scan_value *value)
{
    struct slice text =
        value->kind == SCAN_STRING ? scan_text(value) : value->bytes;
    int64_t ms = 0;

    if (value->kind == SCAN_STRING) {
        if (value->escaped ||
            !timefmt_parse(text.data, text.len, &making->time_ms))
            event_refuse(making, "bad_format", name,
                         "a time as in 2026-01-02T03:04:05.678Z");
    } else if (value->kind == SCAN_NUMBER) {
        for (size_t i = 0; i < text.len && ms >= 0; i++)
            ms = text.data[i] >= '0' && text.data[i] <= '9' && i < 16
                     ? ms * 10 + (text.data[i] - '0')
                     : -1;
        if (ms < 0 || ms > TIMEFMT_MOST_MS)
            event_refuse(making, "out_of_range", name,
                         "whole milliseconds since 1970");
        making->time_ms = ms;
    } else {
        event_refuse(making, "wrong_type", name, "a string or a whole number");
    }
    making->timed = true;
}

static void
take_member(struct making *making, struct slice name, bool escaped,
            const struct scan_value *value)
{
    int index;

    if (making->rules->api && !escaped && event_api_take(making, name, value))
        return;
    switch (escaped ? EVENT_FIELD_CATALOG : event_field_role(name)) {
    case EVENT_FIELD_NAME:
        making->name = take_text(making, name, value);
        event_write_name(making->out, name);
        (void)buf_append(making->out, value->bytes.data, value->bytes.len);
        return;
    case EVENT_FIELD_ID:
        making->id = take_text(making, name, value);
        return;
    case EVENT_FIELD_CLIENT:
        making->client = take_id(making, name, value);
        return;
    case EVENT_FIELD_SESSION:
        making->session = take_id(making, name, value);
        return;
    case EVENT_FIELD_TIME:
        take_time(making, name, value);
        return;
    case EVENT_FIELD_REPLACED:
        return;
    case EVENT_FIELD_RESERVED:
        event_refuse(making, "unknown_field", name, "another name");
        return;
    case EVENT_FIELD_CATALOG:
        break;
    }
    index = escaped ? -1 : catalog_field(making->rules->catalog, name);
    if (index >= 0)
        take_known(making, index, value);
    else
        take_unknown(making, name, escaped, value);
}

/* Every member, to the end, whatever is wrong with one: bytes that are not
 * JSON are told as such, not by what was wrong before they came. */
static void
take_members(struct making *making, struct event_text *text)
{
    const char *end = text->json.data + text->json.len, *behind = end;
    struct scan_value value;
    struct slice name;
    struct scan scan;
    bool escaped;
    int r;

    if (scan_open(&scan, text->json) == SCAN_FOUND && scan.object) {
        while ((r = scan_next(&scan, &name, &escaped, &value)) == SCAN_FOUND)
            if (value.kind != SCAN_NULL && !making->error->code)
                take_member(making, name, escaped, &value);
        behind = scan.at;
        if (scan.crowded)
            event_refuse(making, "too_long", (struct slice){NULL, 0},
                         "fewer fields");
    } else {
        r = scan_first(text->json, &value);
        if (r == SCAN_FOUND)
            behind = value.bytes.data + value.bytes.len;
        event_refuse(making, "wrong_type", (struct slice){NULL, 0},
                     "an object");
    }

    if (r >= 0 && !text->followed && !scan_is_end(behind, end))
        r = SCAN_INVALID_JSON;
    if (r >= 0)
        text->json.len = (size_t)(behind - text->json.data);
    else
        *making->error =
            r == SCAN_INVALID_UTF8
                ? (struct event_error){"invalid_utf8", "", "Give valid UTF-8"}
                : (struct event_error){"invalid_json", "", "Give valid JSON"};
}

static void
require(struct making *making, struct slice value, struct slice name)
{
    if (!value.data)
        event_refuse(making, "missing_field", name, "this field");
}

/* What only the whole event can tell. */
static void
judge_whole(struct making *making)
{
    const struct catalog *catalog = making->rules->catalog;
    const struct catalog_event *event;
    uint64_t set;

    require(making, making->name, SLICE("eventName"));
    if (!making->rules->api) {
        require(making, making->client, SLICE("clientId"));
        require(making, making->session, SLICE("sessionId"));
    }
    if (making->error->code)
        return;
    event = catalog_event(catalog, making->name);
    if (!event) {
        event_refuse(making, "unknown_event", SLICE("eventName"),
                     "an event that the catalog names");
        return;
    }
    set = making->present & ~event->allowed;
    if (set)
        event_refuse(making, "unknown_field", catalog_first(catalog, set),
                     "it with other events only");
    set = event->required & ~making->present;
    if (set)
        event_refuse(making, "missing_field", catalog_first(catalog, set),
                     "this field");
}

static void
take_event_id(struct making *making, const uint8_t fresh[16], size_t at,
              struct event_made *made)
{
    char text[UUID_SIZE];

    if (!making->id.data) {
        memcpy(made->id, fresh, sizeof(made->id));
        uuid_print(text, fresh);
        memcpy(making->out->data + at + LINE_ID_AT, text, UUID_LEN);
        return;
    }
    if (making->id.len != UUID_LEN || !uuid_parse(made->id, making->id.data)) {
        event_refuse(making, "bad_format", SLICE("eventId"), "a UUID");
        return;
    }
    memcpy(making->out->data + at + LINE_ID_AT, making->id.data, UUID_LEN);
}

bool
event_is_anonymous(const struct making *making)
{
    return making->client.len >= 5 && !memcmp(making->client.data, "anon-", 5);
}

static void
write_end(struct making *making, const struct event_server *server)
{
    struct slice tail =
        event_is_anonymous(making) ? server->anonymous : server->fields;
    int64_t time_ms = making->timed ? making->time_ms : server->received_ms;
    int64_t skew = time_ms - server->received_ms;
    char text[TIMEFMT_SIZE];

    timefmt_rfc3339(text, time_ms);
    (void)buf_puts(making->out, ",\"eventTimestamp\":\"");
    (void)buf_append(making->out, text, TIMEFMT_LEN);
    (void)buf_puts(making->out, skew > EVENT_SKEW_MS || skew < -EVENT_SKEW_MS
                                    ? "\",\"clockSkewed\":true,"
                                    : "\",");
    if (making->rules->api)
        event_api_end(making, server);
    else
        (void)buf_append(making->out, tail.data, tail.len);
    (void)buf_puts(making->out, "}\n");
}

int
event_make(const struct event_rules *rules, struct event_text *text,
           const struct event_server *server, const uint8_t fresh[16],
           struct buf *out, struct event_made *made, struct event_error *error)
{
    static const char head[] =
        LINE_PREFIX "\"eventId\":\"00000000-0000-0000-0000-000000000000\"";
    struct making making = {.rules = rules, .out = out, .error = error};
    size_t at = out->len;
    int r;

    error->code = NULL;
    (void)buf_append(out, head, sizeof(head) - 1);
    if (!out->failed)
        take_members(&making, text);
    if (!error->code && rules->api)
        event_api_judge(&making);
    if (!error->code && (!rules->api || slice_is(making.category, "business")))
        judge_whole(&making);
    if (!error->code && !out->failed)
        take_event_id(&making, fresh, at, made);
    if (!error->code)
        write_end(&making, server);
    if (!error->code && out->len - at > LINE_LEN_MAX)
        event_refuse(&making, "event_too_large", (struct slice){NULL, 0},
                     "less");

    if (!error->code && !out->failed) {
        made->event = catalog_event_index(rules->catalog, making.name);
        made->session = making.session;
        made->at = at;
        made->len = out->len - at;
        return 0;
    }
    r = out->failed ? out->failed : EVENT_REFUSED;
    buf_truncate(out, at);
    out->failed = 0;
    return r;
}
