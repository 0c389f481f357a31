#include "common/histogram.h"

/* Four buckets to each power of two; below four each value has its own. */
static unsigned
bucket_of(uint64_t value)
{
    unsigned power, bucket;

    if (value < 4)
        return (unsigned)value;
    power = 63u - (unsigned)__builtin_clzll(value);
    bucket = 4 * (power - 1) + (unsigned)(value >> (power - 2) & 3);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t
histogram_top(unsigned bucket)
{
    unsigned power = bucket / 4 + 1;

    if (bucket < 4)
        return bucket;
    if (bucket == HISTOGRAM_BUCKETS - 1)
        return UINT64_MAX; /* all that is too large for the others */
    return ((UINT64_C(4) + bucket % 4 + 1) << (power - 2)) - 1;
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t
histogram_quantile(const struct histogram *histogram, double q)
{
    double want = q * (double)histogram->count;
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen && (double)seen >= want)
            return histogram_top(i) < histogram->max ? histogram_top(i)
                                                     : histogram->max;
    }
    return histogram->max;
}
