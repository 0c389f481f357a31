#pragma once

#include "common/spool.h"

#include <stdint.h>

/*
 * How many entries ingest took before a place in the spool: what its segment's
 * first line says, and the lines from there.  So accepted and pending are
 * known without the counts of what was shipped, and can be held against them.
 */
struct accepted_mark {
    struct spool_position at; /* segment 0: nothing is known yet */
    uint64_t entries;         /* before it */
};

/**
 * accepted_move(): take @mark to @to, reading a few MiB at most.  Damaged lines
 * count as lines: ingest took them.
 *
 * Return: 1 where it stands there, 0 where there is more to read, or a
 * negative errno.
 */
int accepted_move(struct accepted_mark *mark, int dirfd,
                  struct spool_position to);

/** accepted_letters(): the entries of retry/ behind @from that were dead. */
int accepted_letters(int dirfd, struct spool_position from, uint64_t *entries);
