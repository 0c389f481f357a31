#include "shipper/ctl/trace_entry.h"

#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/sightings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* By their bits in `matched`; eventIds are compared in either case. */
static const char *const fields[] = {"eventId", "requestId", "clientId",
                                     "sessionId"};

enum { FIELDS = sizeof(fields) / sizeof(*fields) };

static bool
is_event_id(const char *own, struct slice id)
{
    return own && id.len == LINE_ID_LEN &&
           !strncasecmp(own, id.data, LINE_ID_LEN);
}

static unsigned
match(struct slice line, const char *own_id, struct slice id)
{
    unsigned matched = is_event_id(own_id, id);

    /* Where neither its bytes nor an escape are, it is not there. */
    if (!memmem(line.data, line.len, id.data, id.len) &&
        !memchr(line.data, '\\', line.len))
        return matched;
    for (unsigned i = 1; i < FIELDS; i++) {
        struct slice name = {fields[i], strlen(fields[i])}, value;

        if (jsonscan_member(line, name, &value) && value.data[0] == '"' &&
            jsonvalue_equals(value, id))
            matched |= 1u << i;
    }
    return matched;
}

/* A string that is too long for its place is left out. */
static void
keep_text(char out[TRACE_TEXT_SIZE], struct slice line, struct slice name)
{
    struct slice value;

    *out = '\0';
    if (jsonscan_member(line, name, &value) && value.data[0] == '"' &&
        value.len < TRACE_TEXT_SIZE) {
        memcpy(out, value.data, value.len);
        out[value.len] = '\0';
    }
}

bool
trace_entry_read(struct trace_entry *entry, const char *line, size_t len,
                 struct slice id)
{
    struct slice text = {line, len};
    const char *own_id = line_event_id(line, len);

    if (!own_id || !(entry->matched = match(text, own_id, id)))
        return false;
    entry->ts = line_ts(line);
    memcpy(entry->event_id, own_id, LINE_ID_LEN);
    entry->event_id[LINE_ID_LEN] = '\0';
    keep_text(entry->category, text, SLICE("logCategory"));
    keep_text(entry->event, text, SLICE("eventName"));
    keep_text(entry->action, text, SLICE("action"));
    return true;
}

static void
print_member(const char *name, const char *json)
{
    printf(",\"%s\":%s", name, *json ? json : "null");
}

static void
print_text_member(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    print_json_text(*text ? text : NULL);
}

static void
print_json(const struct trace_entry *entry, const struct sighting *sighting)
{
    char name[SPOOL_NAME_SIZE], time[PRINT_SIZE];
    bool first = true;

    printf("{\"receivedAt\":%s,\"segment\":\"%s\",\"offset\":%" PRIu64,
           print_time_json(entry->ts, time),
           spool_name(entry->position.segment, name), entry->position.offset);
    print_text_member("eventId", entry->event_id);
    fputs(",\"matched\":[", stdout);
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!(entry->matched & 1u << i))
            continue;
        printf("%s\"%s\"", first ? "" : ",", fields[i]);
        first = false;
    }
    putchar(']');
    print_member("logCategory", entry->category);
    print_member("eventName", entry->event);
    print_member("action", entry->action);
    printf(",\"fate\":\"%s\"", fate_name(entry->fate));
    print_text_member("reason", entry->why.reason);
    print_text_member("code", entry->why.code);
    if (!sighting) {
        puts(",\"cloudwatch\":null}");
        return;
    }
    printf(",\"cloudwatch\":{\"count\":%u,\"ingestedAt\":%s", sighting->count,
           print_time_json(sighting->ingested_ms, time));
    print_text_member("stream", sighting->stream);
    puts("}}");
}

/* The inside of a JSON string; its escapes stay. */
static void
print_what(const struct trace_entry *entry)
{
    const char *json = *entry->event    ? entry->event
                       : *entry->action ? entry->action
                                        : entry->category;
    char text[TRACE_TEXT_SIZE] = "-";

    if (*json)
        (void)snprintf(text, sizeof(text), "%.*s", (int)strlen(json) - 2,
                       json + 1);
    print_printable(stdout, text);
    printf("%*s", (int)(strlen(text) < 17 ? 17 - strlen(text) : 0), "");
}

static void
print_fate(const struct trace_entry *entry)
{
    static const enum print_colour colours[] = {
        [FATE_PENDING] = PRINT_WARN, [FATE_DELIVERED] = PRINT_GOOD,
        [FATE_DEAD] = PRINT_BAD,     [FATE_DROPPED] = PRINT_DIM,
        [FATE_RETRIED] = PRINT_WARN, [FATE_UNKNOWN] = PRINT_WARN,
    };

    printf("%s%-9s%s", print_colour(colours[entry->fate]),
           fate_name(entry->fate), print_end());
    if (*entry->why.reason) {
        fputs(" (", stdout);
        print_printable(stdout, entry->why.reason);
        if (*entry->why.code) {
            fputs(", ", stdout);
            print_printable(stdout, entry->why.code);
        }
        putchar(')');
    }
}

static void
print_sighting(const struct sighting *sighting)
{
    char time[PRINT_SIZE];

    if (!sighting->count) {
        fputs("  not shown by CloudWatch", stdout);
        return;
    }
    printf("  in CloudWatch since %s, ",
           print_time(sighting->ingested_ms, time));
    print_printable(stdout, sighting->stream);
    if (sighting->count > 1)
        printf(", %s%u times%s", print_colour(PRINT_BAD), sighting->count,
               print_end());
}

void
trace_entry_print(const struct trace_entry *entry,
                  const struct sighting *sighting, bool json)
{
    char name[SPOOL_NAME_SIZE], time[PRINT_SIZE], offset[PRINT_SIZE];

    if (json) {
        print_json(entry, sighting);
        return;
    }
    (void)snprintf(offset, sizeof(offset), "%" PRIu64, entry->position.offset);
    printf("%s  %s:%-8s  ", print_time(entry->ts, time),
           spool_name(entry->position.segment, name), offset);
    print_what(entry);
    fputs("  ", stdout);
    print_fate(entry);
    if (sighting)
        print_sighting(sighting);
    putchar('\n');
}
