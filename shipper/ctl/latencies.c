#include "shipper/ctl/latencies.h"

#include <stddef.h>

enum { FINE = 1 << LATENCIES_FINE_BITS };

/* Below 2 * FINE each value has its own; from there on buckets double in
 * width with each power of two. */
static size_t
bucket_of(uint64_t ms)
{
    unsigned shift = 0;

    while (ms >> shift >= 2 * FINE)
        shift++;
    return shift * FINE + (size_t)(ms >> shift);
}

static uint64_t
top_of(size_t bucket)
{
    size_t shift = bucket < 2 * FINE ? 0 : bucket / FINE - 1;

    return ((bucket - shift * FINE + 1) << shift) - 1;
}

void
latencies_add(struct latencies *latencies, uint64_t ms)
{
    if (ms > LATENCIES_MS_MAX)
        ms = LATENCIES_MS_MAX;
    if (ms > latencies->max)
        latencies->max = ms;
    latencies->buckets[bucket_of(ms)]++;
    latencies->count++;
}

uint64_t
latencies_percentile(const struct latencies *latencies, unsigned percent)
{
    /* Rounded up, without the product's overflow. */
    uint64_t whole = latencies->count / 100, rest = latencies->count % 100;
    uint64_t rank = whole * percent + (rest * percent + 99) / 100;
    uint64_t seen = 0;

    for (size_t i = 0; rank && i < LATENCIES_BUCKETS; i++) {
        seen += latencies->buckets[i];
        if (seen >= rank)
            return top_of(i) < latencies->max ? top_of(i) : latencies->max;
    }
    return latencies->max;
}
