#pragma once

#include "common/histogram.h"

#include <stdint.h>

struct buf;

/*
 * A duration over the last hour: of each ten seconds how many there were, and
 * the quantiles of these, taken as what a histogram that only grows has grown
 * by.  Fixed memory; the caller tells the time.
 */
enum {
    TREND_STEP_S = 10,
    TREND_STEPS = 360,
};

struct trend_step {
    uint32_t count;
    uint32_t p50_us, p99_us;
};

struct trend {
    struct histogram before; /* as it was when the present step began */
    int64_t step;            /* the present one; it is not told yet */
    struct trend_step steps[TREND_STEPS]; /* by step, modulo their number */
};

/** trend_init(): at @second, a second of the steady clock. */
void trend_init(struct trend *trend, int64_t second);

/** trend_look(): @histogram at @second; called about once a second. */
void trend_look(struct trend *trend, const struct histogram *histogram,
                int64_t second);

/** trend_write(): {"count":[…],"p50Us":[…],"p99Us":[…]}, oldest first, the
 * present step left out; null where there were none. */
void trend_write(struct buf *out, const struct trend *trend);
