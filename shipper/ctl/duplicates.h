#pragma once

#include "common/spool.h"

#include <stddef.h>
#include <stdint.h>

struct progress;
struct walk;

/*
 * Entries of one eventId, found in bounded memory: the spool is read as often
 * as needed, each time for another part of all ids, so that the table of those
 * seen never grows past what the caller allows.
 */
enum { DUPLICATES_TABLE_BYTES = 16 * 1024 * 1024 };

struct duplicate {
    const char *event_id; /* LINE_ID_LEN bytes, not terminated */
    struct spool_position first;
    struct spool_position again;
};

/**
 * duplicates_find(): found() is told of each; @entries is how many the spool
 * holds, @table_bytes a power of two.  Segments that are removed meanwhile are
 * passed over.
 *
 * Return: 0 or a negative errno.
 */
int duplicates_find(const struct walk *walk, uint64_t entries,
                    size_t table_bytes, struct progress *progress,
                    void (*found)(void *owner, const struct duplicate *one),
                    void *owner);

/** duplicates_passes(): how often that reads the spool. */
uint64_t duplicates_passes(uint64_t entries, size_t table_bytes);
