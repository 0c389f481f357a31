#pragma once

#include <stdbool.h>
#include <stdint.h>

struct filter;
struct walk_segment;

/*
 * The ends of a segment, without reading what lies between: from the back in
 * chunks of whole lines, each found by the newline before it.  A good line
 * holds one newline, its last byte, so no chunk cuts one.
 */

/**
 * edge_chunk(): where the chunk begins that ends before byte @before; @first
 * is the least that comes back.
 */
int edge_chunk(int fd, uint64_t first, uint64_t before, uint64_t *start);

struct edge_times {
    int64_t first; /* ms since 1970; 0: there is no entry */
    int64_t last;
};

/** edge_times(): of the first and the last entry of a segment. */
int edge_times(int dirfd, const struct walk_segment *segment,
               struct edge_times *times);

/**
 * edge_outside(): whether a segment holds nothing of the times that @filter
 * wants; within a segment time does not fall, so its ends tell.
 */
bool edge_outside(int dirfd, const struct walk_segment *segment,
                  const struct filter *filter);
