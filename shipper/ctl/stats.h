#pragma once

#include "shipper/ctl/census.h"
#include "shipper/ctl/funnel.h"
#include "shipper/ctl/latencies.h"

#include <stdint.h>

/** What `stats` counts, over the entries that the filter wants. */
struct stats {
    uint64_t entries;
    uint64_t bytes;            /* of their lines */
    int64_t first_ts, last_ts; /* the least and the greatest; 0: none */
    uint64_t bad_runs;         /* that were passed over */

    /* Names are JSON strings, as they stand in the entries. */
    struct census categories, events, states;
    struct census actions; /* action, STATS_BETWEEN, outcome or null */
    struct funnel funnel;
    struct latencies latencies;
};

/* Stands in no JSON string. */
#define STATS_BETWEEN '\x1f'

/** stats_print(): tables for people; or one object. */
void stats_print(const struct stats *stats);
void stats_print_json(const struct stats *stats);
