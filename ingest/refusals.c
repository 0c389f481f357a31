#include "ingest/refusals.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/timefmt.h"
#include "ingest/event.h"
#include "ingest/exchange.h"
#include "ingest/router.h"
#include "ingest/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct refusal {
    int64_t time_ms;
    const char *code; /* ours; so is the route's path */
    const char *route;
    uint64_t times;
    unsigned char name_len, page_len;
    char name[REFUSALS_NAME_MAX];
    char page[REFUSALS_PAGE_MAX];
    char pointer[EVENT_POINTER_SIZE];
    char detail[EVENT_DETAIL_SIZE];
    char request_id[EXCHANGE_ID_MAX + 1];
};

struct minute {
    int64_t minute; /* of the steady clock; another one's is stale */
    uint32_t counts[REFUSALS_CODES];
};

struct refusals {
    struct refusal ring[REFUSALS_MAX];
    uint64_t total; /* places used, ever: the next one's number */
    uint64_t counted;
    const char *codes[REFUSALS_CODES];
    size_t code_count;
    struct minute minutes[REFUSALS_MINUTES];
};

struct refusals *
refusals_new(void)
{
    return calloc(1, sizeof(struct refusals));
}

void
refusals_free(struct refusals *refusals)
{
    free(refusals);
}

/* Codes are our own, and fewer than there are places for. */
static size_t
code_index(struct refusals *refusals, const char *code)
{
    size_t i = 0;

    while (i < refusals->code_count && strcmp(refusals->codes[i], code))
        i++;
    if (i == REFUSALS_CODES)
        return REFUSALS_CODES - 1;
    if (i == refusals->code_count)
        refusals->codes[refusals->code_count++] = code;
    return i;
}

static void
count(struct refusals *refusals, const char *code)
{
    int64_t now = clock_mono_us() / 60000000;
    struct minute *minute = &refusals->minutes[now % REFUSALS_MINUTES];

    if (minute->minute != now)
        *minute = (struct minute){.minute = now};
    minute->counts[code_index(refusals, code)]++;
    refusals->counted++;
}

uint64_t
refusals_count(const struct refusals *refusals)
{
    return refusals->counted;
}

static struct refusal *
newest(struct refusals *refusals)
{
    return refusals->total
               ? &refusals->ring[(refusals->total - 1) % REFUSALS_MAX]
               : NULL;
}

static void
stamp(struct refusal *refusal, const struct exchange *exchange)
{
    refusal->time_ms = exchange->received_ms;
    refusal->times++;
    (void)snprintf(refusal->request_id, sizeof(refusal->request_id), "%s",
                   exchange->request_id);
}

static struct refusal *
begin(struct refusals *refusals, const struct exchange *exchange,
      const char *code, const char *detail)
{
    struct refusal *refusal = &refusals->ring[refusals->total++ % REFUSALS_MAX];

    *refusal = (struct refusal){
        .code = code,
        .route = exchange->route ? router_path(router_index(exchange)) : NULL,
    };
    stamp(refusal, exchange);
    (void)snprintf(refusal->detail, sizeof(refusal->detail), "%s", detail);
    return refusal;
}

static unsigned char
keep(char *out, size_t size, struct slice text)
{
    size_t len = text.len < size ? text.len : size;

    memcpy(out, text.data, len);
    return (unsigned char)len;
}

/* Of an event that was refused, as far as it can be read. */
static void
keep_names(struct refusal *refusal, struct slice json)
{
    struct scan_value value;
    struct slice name;
    struct scan scan;
    bool escaped;

    if (scan_open(&scan, json) != SCAN_FOUND || !scan.object)
        return;
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND) {
        struct slice text, path, rest;

        if (value.kind != SCAN_STRING || escaped)
            continue;
        text = scan_text(&value);
        if (slice_is(name, "eventName"))
            refusal->name_len =
                keep(refusal->name, sizeof(refusal->name), text);
        if (!slice_is(name, "urlPath"))
            continue;
        path = slice_split(slice_split(text, '?', &rest), '#', &rest);
        refusal->page_len = keep(refusal->page, sizeof(refusal->page), path);
    }
}

void
refusals_event(struct refusals *refusals, const struct exchange *exchange,
               const struct event_error *error, struct slice json)
{
    struct refusal *refusal =
        begin(refusals, exchange, error->code, error->detail);

    count(refusals, error->code);
    (void)snprintf(refusal->pointer, sizeof(refusal->pointer), "%s",
                   error->pointer);
    keep_names(refusal, json);
}

static bool
is_noise(const struct exchange *exchange)
{
    static const char *const codes[] = {"bad_request", "not_found",
                                        "method_not_allowed"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (!strcmp(exchange->refused->code, codes[i]))
            return true;
    return exchange->listener == EXCHANGE_ADMIN;
}

void
refusals_answer(struct refusals *refusals, const struct exchange *exchange)
{
    const struct problem_info *info = exchange->refused;
    struct refusal *last = newest(refusals);

    if (!info || exchange->items_told || is_noise(exchange))
        return;
    count(refusals, info->code);
    if (last && info->retry_after_s && !strcmp(last->code, info->code))
        stamp(last, exchange);
    else
        (void)begin(refusals, exchange, info->code, info->detail);
}

static void
write_text(struct buf *out, const char *name, struct slice text)
{
    (void)buf_printf(out, ",\"%s\":", name);
    if (!text.len) {
        (void)buf_puts(out, "null");
        return;
    }
    (void)buf_putc(out, '"');
    json_escape_printable(out, text.data, text.len);
    (void)buf_putc(out, '"');
}

static struct slice
whole(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static void
write_refusal(struct buf *out, const struct refusal *refusal, uint64_t number)
{
    char time[TIMEFMT_SIZE];

    timefmt_rfc3339(time, refusal->time_ms);
    (void)buf_printf(out,
                     "{\"number\":%" PRIu64 ",\"at\":\"%s\",\"code\":\"%s\"",
                     number, time, refusal->code);
    write_text(out, "event", (struct slice){refusal->name, refusal->name_len});
    (void)buf_puts(out, ",\"pointer\":");
    json_string(out, refusal->pointer);
    write_text(out, "path", (struct slice){refusal->page, refusal->page_len});
    write_text(out, "requestId", whole(refusal->request_id));
    write_text(out, "route", whole(refusal->route));
    write_text(out, "detail", whole(refusal->detail));
    (void)buf_printf(out, ",\"times\":%" PRIu64 "}", refusal->times);
}

void
refusals_write(struct buf *out, const struct refusals *refusals)
{
    uint64_t kept =
        refusals->total < REFUSALS_MAX ? refusals->total : REFUSALS_MAX;

    (void)buf_printf(out, "{\"total\":%" PRIu64 ",\"refused\":[",
                     refusals->total);
    for (uint64_t i = 1; i <= kept; i++) {
        uint64_t number = refusals->total - i;

        (void)buf_puts(out, i > 1 ? "," : "");
        write_refusal(out, &refusals->ring[number % REFUSALS_MAX], number);
    }
    (void)buf_puts(out, "]}\n");
}

void
refusals_write_codes(struct buf *out, const struct refusals *refusals,
                     int64_t now_us)
{
    int64_t oldest = now_us / 60000000 - REFUSALS_MINUTES + 1;
    bool any = false;

    (void)buf_putc(out, '[');
    for (size_t code = 0; code < refusals->code_count; code++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < REFUSALS_MINUTES; i++)
            if (refusals->minutes[i].minute >= oldest)
                sum += refusals->minutes[i].counts[code];
        if (!sum)
            continue;
        (void)buf_printf(out, "%s{\"code\":\"%s\",\"count\":%" PRIu64 "}",
                         any ? "," : "", refusals->codes[code], sum);
        any = true;
    }
    (void)buf_putc(out, ']');
}
