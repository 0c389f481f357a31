#pragma once

#include "common/checkpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct settings;
struct shipped;
struct walk;

/*
 * Promise 2 from the files: accepted = delivered + pending + dead + dropped.
 *
 *     accepted    what the highest segment's first line says was accepted
 *                 before it, and the good lines in it
 *     delivered,  the checkpoint's counts; they and its position are of one
 *     dead,       moment
 *     dropped
 *     pending     the good lines behind the checkpoint's position, but those
 *                 that streams which are ahead are done with; and the entries
 *                 that were dead letters and wait in retry/
 *     in bad      entries that a segment took, as its successor says, and that
 *     bytes       are no good lines now; each such run of bytes is kept with
 *                 the segment and, once shipper has passed it, as one dead
 *                 letter
 *
 * The checkpoint has to be read before the spool is walked: then all before
 * its position is in its counts, and all behind it is in the walk.
 */
enum { BALANCE_FINDINGS_MAX = 50, BALANCE_DETAIL_SIZE = 160 };

struct balance_finding {
    const char *kind;
    uint64_t segment; /* 0: it has none */
    char detail[BALANCE_DETAIL_SIZE];
};

struct balance {
    uint64_t accepted;
    uint64_t before;  /* of them, before ... */
    uint64_t highest; /* ... this segment, which may be none: 0 */
    struct checkpoint_counts counts;
    uint64_t pending;
    uint64_t retrying; /* of them, in retry/ */
    uint64_t in_bad_bytes;
    uint64_t bad_runs;
    int64_t difference; /* accepted, less all the others */
    bool moved; /* what was not shipped is gone: shipper was faster than we */

    struct balance_finding findings[BALANCE_FINDINGS_MAX];
    size_t finding_count; /* may be more than were kept */
};

/** balance_find(): note a finding; no more than BALANCE_FINDINGS_MAX stay. */
void balance_find(struct balance *balance, const char *kind, uint64_t segment,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** balance_pending(): of @balance only what is pending; reads what lies behind
 * the position. */
int balance_pending(struct balance *balance, const struct walk *walk,
                    const struct shipped *shipped,
                    const struct settings *settings, struct progress *progress);

/** balance_make(): the sum; reads all that the spool holds. */
int balance_make(struct balance *balance, const struct walk *walk,
                 const struct shipped *shipped, const struct settings *settings,
                 struct progress *progress);
