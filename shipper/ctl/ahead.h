#pragma once

#include "common/checkpoint.h"
#include "common/slice.h"
#include "shipper/route.h"

#include <stdbool.h>
#include <stddef.h>

struct settings;

/*
 * What lies behind the checkpoint's position, in the spool or in retry/, and is
 * done with all the same: that position is the least of the streams', and one
 * stream may be ahead of another.  Which stream an entry is of is found as
 * shipper finds it, so this is right on the machine whose spool it is.
 */
struct ahead {
    struct route route;
    const struct checkpoint *checkpoint; /* borrowed */

    /* Where the stream of the last entry that was asked for stands. */
    struct route_key key;
    struct spool_position position;
    bool retry; /* which of the two it stands in */
    bool known;
};

void ahead_init(struct ahead *ahead, const struct settings *settings,
                const struct checkpoint *checkpoint);

/** ahead_settled(): whether the entry at @at is done with: delivered or dead.
 * @line is good, with or without its newline; NULL: only the common position
 * is looked at. */
bool ahead_settled(struct ahead *ahead, struct slice line,
                   struct spool_position at);
