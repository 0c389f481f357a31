#pragma once

#include "common/checkpoint.h"

#include <stdbool.h>

struct ctl;
struct walk_segment;

/** What shipper's checkpoint says; nothing is shipped where there is none. */
struct shipped {
    enum { SHIPPED_NONE, SHIPPED_KNOWN, SHIPPED_BROKEN } state;
    struct checkpoint checkpoint; /* all zero unless SHIPPED_KNOWN */
};

/**
 * shipped_read(): to be called before walk_open(), as the checkpoint may never
 * be ahead of the spool; shipped_deinit() after.
 *
 * Return: 0, or an exit code, told.
 */
int shipped_read(struct shipped *shipped, const struct ctl *ctl);

/** shipped_warn(): on stderr, where the checkpoint is broken. */
void shipped_warn(const struct shipped *shipped);
void shipped_deinit(struct shipped *shipped);

/** shipped_wholly(): whether nothing of a segment is left to ship. */
bool shipped_wholly(const struct shipped *shipped,
                    const struct walk_segment *segment);

/** shipped_state(): the word that SHIPPED_* is told by. */
const char *shipped_state(const struct shipped *shipped);
