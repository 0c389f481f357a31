#pragma once

#include "common/spool.h"

#include <stdint.h>

struct dead_letter;
struct settings;

/**
 * retention_sweep(): remove segments that are wholly shipped, oldest first:
 * those older than [spool] retain, those beyond retain_size, and any where the
 * disk has so little room that ingest is about to refuse events.
 *
 * @durable is the position that the checkpoint on disk holds.  The highest
 * segment stays, and so does one with bad bytes in it that nobody dropped.
 */
void retention_sweep(int dirfd, const struct settings *settings,
                     const struct dead_letter *dead,
                     struct spool_position durable, int64_t now_ms);
