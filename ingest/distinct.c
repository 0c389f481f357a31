#include "ingest/distinct.h"

#include <math.h>

struct distinct_mark
distinct_mark(uint64_t hash)
{
    uint64_t rest =
        hash << DISTINCT_BITS | (UINT64_C(1) << (DISTINCT_BITS - 1));

    return (struct distinct_mark){
        .place = (uint16_t)(hash >> (64 - DISTINCT_BITS)),
        .rank = (uint8_t)(__builtin_clzll(rest) + 1),
    };
}

void
distinct_add(uint8_t places[DISTINCT_PLACES], struct distinct_mark mark)
{
    if (mark.rank > places[mark.place])
        places[mark.place] = mark.rank;
}

void
distinct_merge(uint8_t places[DISTINCT_PLACES],
               const uint8_t other[DISTINCT_PLACES])
{
    for (size_t i = 0; i < DISTINCT_PLACES; i++)
        places[i] = places[i] > other[i] ? places[i] : other[i];
}

uint64_t
distinct_estimate(const uint8_t places[DISTINCT_PLACES])
{
    const double m = DISTINCT_PLACES;
    double sum = 0, estimate;
    size_t empty = 0;

    for (size_t i = 0; i < DISTINCT_PLACES; i++) {
        sum += ldexp(1, -places[i]);
        empty += !places[i];
    }
    estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && empty)
        estimate = m * log(m / (double)empty);
    return (uint64_t)(estimate + 0.5);
}
