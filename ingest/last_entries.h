#pragma once

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct synced;

/*
 * The last entries of the spool, newest first, filtered: read from the durable
 * end backwards, over the segments' borders, and never more than a bound of
 * bytes, however little of it agrees with the filter.
 */
enum {
    LAST_ENTRIES_MAX = 200,
    LAST_ENTRIES_BYTES = 384 * 1024, /* looked at */
    LAST_ENTRIES_SEGMENTS = 8,       /* likewise */
};

/** What is wanted; NULL data takes all.  Compared as the entry has them. */
struct last_entries_wish {
    size_t most;
    struct slice event, category, client, session;
};

/**
 * last_entries_write(): {"entries":[…],"looked":…,"oldest":…,"whole":…}: the
 * lines as they stand in the spool; how many were looked at and back to when;
 * and whether all there are were.
 */
void last_entries_write(struct buf *out, int dirfd, const struct synced *synced,
                        const struct last_entries_wish *wish);
