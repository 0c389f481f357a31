#include "ingest/counters.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "ingest/exchange.h"
#include "ingest/router.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Every status that is ever sent; the last stands for those that are not. */
static const short statuses[] = {200, 201, 202, 204, 400, 401, 403,
                                 404, 405, 408, 409, 410, 411, 413,
                                 414, 415, 417, 429, 431, 503, 0};

static const char *const codes[] = {"unknown_event", "unknown_field",
                                    "missing_field", "wrong_type",
                                    "out_of_range",  "too_long",
                                    "bad_format",    "invalid_json",
                                    "invalid_utf8",  "event_too_large",
                                    "other"};

enum {
    STATUSES = sizeof(statuses) / sizeof(*statuses),
    CODES = sizeof(codes) / sizeof(*codes),
    LABELS_SIZE = 160,
};
_Static_assert((int)STATUSES <= (int)COUNTERS_STATUSES,
               "a place for each status");
_Static_assert((int)CODES <= (int)COUNTERS_CODES, "a place for each code");

static unsigned
slot_of(struct counters *counters, struct slice name)
{
    for (unsigned i = 0; i < counters->event_count; i++)
        if (slice_is(name, counters->events[i]))
            return i;
    if (!name.data || name.len > CATALOG_NAME_MAX ||
        counters->event_count == COUNTERS_EVENTS - 1)
        return COUNTERS_EVENTS - 1;
    memcpy(counters->events[counters->event_count], name.data, name.len);
    return counters->event_count++;
}

void
counters_catalog(struct counters *counters, const struct catalog *catalog)
{
    for (unsigned i = 0; i < COUNTERS_EVENTS; i++)
        counters->slots[i] =
            (unsigned char)slot_of(counters, catalog_event_name(catalog, i));
}

static size_t
status_index(int status)
{
    size_t i = 0;

    while (i < STATUSES - 1 && statuses[i] != status)
        i++;
    return i;
}

void
counters_sent(struct counters *counters, const struct exchange *exchange,
              int status)
{
    size_t route = router_index(exchange);
    int64_t us = clock_mono_us() - exchange->received_us;

    assert(route < COUNTERS_ROUTES);
    counters->requests[route][exchange->method == REQUEST_OPTIONS]
                      [status_index(status)]++;
    histogram_add(&counters->seconds[route], us > 0 ? (uint64_t)us : 0);
    counters->rate_limited += status == 429;
    counters->parse_errors += status == 400 && !exchange->route;
}

unsigned
counters_accepted(struct counters *counters, unsigned event, bool authenticated)
{
    unsigned slot = counters->slots[event];

    counters->accepted[slot][authenticated]++;
    return slot;
}

void
counters_rejected(struct counters *counters, const char *code)
{
    size_t i = 0;

    while (i < CODES - 1 && strcmp(codes[i], code))
        i++;
    counters->rejected[i]++;
}

static void
write_requests(struct buf *out, const struct counters *counters)
{
    char labels[LABELS_SIZE];

    metrics_family(out, "http_requests_total", "counter",
                   "Requests, by what they were answered.");
    for (size_t route = 0; route < router_count(); route++)
        for (int options = 0; options < 2; options++)
            for (size_t i = 0; i < STATUSES; i++) {
                (void)snprintf(labels, sizeof(labels),
                               "route=\"%s\",method=\"%s\",code=\"%d\"",
                               router_path(route),
                               options ? "OPTIONS" : router_method(route),
                               statuses[i]);
                metrics_count(out, "http_requests_total", labels,
                              counters->requests[route][options][i]);
            }
    metrics_family(out, "http_request_duration_seconds", "histogram",
                   "From the end of a head to its answer.");
    for (size_t route = 0; route < router_count(); route++) {
        (void)snprintf(labels, sizeof(labels), "route=\"%s\"",
                       router_path(route));
        metrics_histogram(out, "http_request_duration_seconds", labels,
                          &counters->seconds[route], 1e-6);
    }
}

static void
write_events(struct buf *out, const struct counters *counters)
{
    char labels[LABELS_SIZE];

    metrics_family(out, "events_accepted_total", "counter",
                   "Events that are on disk.");
    for (unsigned i = 0; i < COUNTERS_EVENTS; i++)
        for (int known = 0; known < 2; known++) {
            bool other = i == COUNTERS_EVENTS - 1;

            if (i >= counters->event_count && !other)
                continue;
            (void)snprintf(labels, sizeof(labels),
                           "event=\"%s\",login_state=\"%s\"",
                           other ? "other" : counters->events[i],
                           known ? "authenticated" : "guest");
            metrics_count(out, "events_accepted_total", labels,
                          counters->accepted[i][known]);
        }
    metrics_family(out, "events_rejected_total", "counter",
                   "Events that were refused.");
    for (size_t i = 0; i < CODES; i++) {
        (void)snprintf(labels, sizeof(labels), "code=\"%s\"", codes[i]);
        metrics_count(out, "events_rejected_total", labels,
                      counters->rejected[i]);
    }
}

static void
write_auth(struct buf *out, const struct counters *counters)
{
    char labels[LABELS_SIZE];

    metrics_family(out, "auth_results_total", "counter",
                   "Tokens that were judged; known ones were before.");
    for (int i = 0; i < JWT_VERDICT_COUNT; i++) {
        (void)snprintf(labels, sizeof(labels), "result=\"%s\"",
                       jwt_reason((enum jwt_verdict)i));
        metrics_count(out, "auth_results_total", labels, counters->auth[i]);
    }
    metrics_count(out, "auth_results_total", "result=\"known\"",
                  counters->tokens_known);
}

static void
write_uploads(struct buf *out, const struct counters *counters)
{
    static const char *const actions[] = {"presign", "complete"};
    char labels[LABELS_SIZE];

    metrics_family(out, "uploads_total", "counter", "Uploads.");
    for (int action = 0; action < COUNTERS_UPLOADS; action++)
        for (int good = 0; good < 2; good++) {
            (void)snprintf(labels, sizeof(labels),
                           "action=\"%s\",outcome=\"%s\"", actions[action],
                           good ? "success" : "failure");
            metrics_count(out, "uploads_total", labels,
                          counters->uploads[action][good]);
        }
}

static void
write_one(struct buf *out, const char *name, const char *help, uint64_t value)
{
    metrics_family(out, name, "counter", help);
    metrics_count(out, name, "", value);
}

void
counters_write(struct buf *out, const struct counters *counters)
{
    write_requests(out, counters);
    write_one(out, "http_parse_errors_total",
              "Requests that were no good HTTP.", counters->parse_errors);
    write_events(out, counters);
    write_one(out, "events_duplicate_total", "Events that were known already.",
              counters->duplicates);
    write_auth(out, counters);
    write_uploads(out, counters);
    write_one(out, "rate_limited_total", "Requests over their address's share.",
              counters->rate_limited);
}
