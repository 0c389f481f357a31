#pragma once

#include <stdint.h>

/*
 * Durations (or sizes) in buckets that grow by a quarter of a power of two:
 * a quantile is right within a fifth, in 1 KiB, without keeping the values.
 */
enum { HISTOGRAM_BUCKETS = 128 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/** histogram_quantile(): the value that a share @q (0…1) does not pass. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);

/** histogram_top(): the largest value that falls into @bucket. */
uint64_t histogram_top(unsigned bucket);
