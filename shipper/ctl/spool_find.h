#pragma once

#include "common/spool.h"

#include <stdint.h>

/** Where an entry stands in the spool, and when it was received. */
struct spool_found {
    struct spool_position position;
    int64_t ts;
};

/**
 * spool_find(): the newest entry of @event_id, read from the spool's end
 * backwards, up to where entries are older than @since (ms since 1970).
 *
 * Return: 1 found, 0 not, or a negative errno (-EPROTO: of a version that we
 * do not know).
 */
int spool_find(struct spool_found *found, int dirfd, const char *event_id,
               int64_t since);
