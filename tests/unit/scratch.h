#pragma once

#include "common/spool.h"

#include <stddef.h>

struct buf;

/*
 * A folder of a test's own, and what tests put into spools by hand.
 */
struct scratch {
    char dir[64];
    int dirfd;
};

void scratch_open(struct scratch *scratch);
void scratch_close(struct scratch *scratch);

/** scratch_put(): the file holds these bytes and no others. */
void scratch_put(const struct scratch *scratch, const char *name,
                 const void *bytes, size_t len);
void scratch_put_segment(const struct scratch *scratch, uint64_t number,
                         const void *bytes, size_t len);

/** scratch_get(): the file's text until the next call, or NULL. */
const char *scratch_get(const struct scratch *scratch, const char *name);

/** scratch_line(): append the good line of an entry; @id names it. */
void scratch_line(struct buf *out, unsigned id, int64_t ts);

/** scratch_id(): which entry a good line holds. */
unsigned scratch_id(const char *line);

/** scratch_control(): append a segment's first line. */
void scratch_control(struct buf *out, uint64_t prev, uint64_t prev_end,
                     uint64_t entries, int64_t ts);
