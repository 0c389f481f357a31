#pragma once

#include <stdint.h>

/*
 * Percentiles of durations without keeping them: exact below 2048 ms, right
 * within a thousandth above, up to LATENCIES_MS_MAX.  Pure.
 */
#define LATENCIES_MS_MAX ((UINT64_C(1) << 30) - 1)

enum {
    LATENCIES_FINE_BITS = 10, /* 1024 buckets to each power of two */
    LATENCIES_BUCKETS = (30 - LATENCIES_FINE_BITS + 1) << LATENCIES_FINE_BITS,
};

struct latencies {
    uint64_t buckets[LATENCIES_BUCKETS];
    uint64_t count;
    uint64_t max;
};

/** latencies_add(): @ms; more than LATENCIES_MS_MAX counts as that. */
void latencies_add(struct latencies *latencies, uint64_t ms);

/**
 * latencies_percentile(): the least duration that @percent of all do not
 * exceed (nearest rank); 0 where there are none.
 */
uint64_t latencies_percentile(const struct latencies *latencies,
                              unsigned percent);
