#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * How many different ones there were, by HyperLogLog (Flajolet and others,
 * 2007) with linear counting for the few: 1 KiB whatever comes.  A thousand
 * and more are told within some 7 %, a dozen mostly to the one.  Two sketches
 * are one by taking the larger of each two places.  Pure.
 */
enum {
    DISTINCT_BITS = 10,
    DISTINCT_PLACES = 1 << DISTINCT_BITS,
};

/** What one of them leaves in a sketch; rank 0 leaves nothing. */
struct distinct_mark {
    uint16_t place;
    uint8_t rank;
};

/** distinct_mark(): of a keyed hash, so that nobody can aim at a place. */
struct distinct_mark distinct_mark(uint64_t hash);

void distinct_add(uint8_t places[DISTINCT_PLACES], struct distinct_mark mark);

void distinct_merge(uint8_t places[DISTINCT_PLACES],
                    const uint8_t other[DISTINCT_PLACES]);

/** distinct_estimate(): of how many different marks; 0 for none. */
uint64_t distinct_estimate(const uint8_t places[DISTINCT_PLACES]);
