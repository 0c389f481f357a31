#pragma once

#include "common/histogram.h"
#include "shipper/lookup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aws_answer;
struct cloud;
struct secrets;

/*
 * What shipper counts of its calls, for whoever scrapes: ingest merges the
 * file shipper.metrics into its own /metrics, as shipper itself cannot be
 * reached.  The codes are AWS's and ours; a table of fixed size holds them.
 */
enum { FIGURES_CODES = 32, FIGURES_CODE_SIZE = 64 };

struct figures {
    char codes[FIGURES_CODES][FIGURES_CODE_SIZE]; /* "" ends them */
    uint64_t requests[FIGURES_CODES];             /* the last: all others */
    uint64_t retries[FIGURES_CODES];
    uint64_t delivered, dead;
    uint64_t ambiguous[LOOKUP_FORBIDDEN + 1]; /* by what a look found */
    struct histogram took_us, batch_events, batch_bytes;
    uint64_t compressed_bytes;
    uint64_t taken_bytes;    /* as CloudWatch counts and charges them */
    int64_t last_success_ms; /* 0: none yet */
};

/** figures_taken(): CloudWatch has a batch of @events, @bytes by its count. */
void figures_taken(struct figures *figures, size_t events, size_t bytes);

/** figures_answered(): to PutLogEvents; @again: it is going to be repeated. */
void figures_answered(struct figures *figures, const struct aws_answer *answer,
                      bool again);

/** What else is told. */
struct figures_facts {
    const struct figures *figures;
    struct cloud *cloud;
    const struct secrets *secrets;
    int64_t lag_ms, last_success_ms;
    bool reloaded; /* the last reload was good, or there was none */
};

/** figures_write(): shipper.metrics, replaced whole; not synced.  Return: 0 or
 * a negative errno. */
int figures_write(int dirfd, const struct figures_facts *facts);
