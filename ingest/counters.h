#pragma once

#include "common/catalog.h"
#include "common/histogram.h"
#include "ingest/jwt.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct exchange;

/*
 * What ingest counts, for /metrics and /status: increments on the loop, text
 * when somebody asks.  No label has a value of a client's choosing: events are
 * the catalog's, routes and codes our own.
 */
enum {
    COUNTERS_ROUTES = 32, /* the router's, and all else */
    COUNTERS_STATUSES = 32,
    COUNTERS_EVENTS = CATALOG_EVENTS_MAX + 1, /* and all else */
    COUNTERS_CODES = 16,
};

enum counters_upload { COUNTERS_PRESIGN, COUNTERS_COMPLETE, COUNTERS_UPLOADS };

struct counters {
    uint64_t requests[COUNTERS_ROUTES][2][COUNTERS_STATUSES]; /* OPTIONS: 1 */
    struct histogram seconds[COUNTERS_ROUTES]; /* microseconds, really */
    uint64_t parse_errors;
    uint64_t accepted[COUNTERS_EVENTS][2]; /* by an authenticated user: 1 */
    char events[COUNTERS_EVENTS][CATALOG_NAME_MAX + 1];
    unsigned event_count;
    unsigned char slots[COUNTERS_EVENTS]; /* of the catalog's indices */
    uint64_t duplicates;
    uint64_t rejected[COUNTERS_CODES];
    uint64_t auth[JWT_VERDICT_COUNT];
    uint64_t tokens_known;
    uint64_t uploads[COUNTERS_UPLOADS][2]; /* success: 1 */
    uint64_t rate_limited;
};

/** counters_catalog(): events are counted by the names of this catalog. */
void counters_catalog(struct counters *counters, const struct catalog *catalog);

/** counters_sent(): an answer with @status is on its way. */
void counters_sent(struct counters *counters, const struct exchange *exchange,
                   int status);

/**
 * counters_accepted(): an event of that catalog index is durable.
 *
 * Return: its place in counters->events, the last where it has none.
 */
unsigned counters_accepted(struct counters *counters, unsigned event,
                           bool authenticated);

/** counters_rejected(): an event was refused with @code. */
void counters_rejected(struct counters *counters, const char *code);

/** counters_write(): the families of what is counted here. */
void counters_write(struct buf *out, const struct counters *counters);
