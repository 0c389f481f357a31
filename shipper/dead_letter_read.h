#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The dead letters that stand in the spool's folder, as far as shipper has to
 * know them: their names from the checkpoint on, the runs of bad bytes, whose
 * segments have to stay, and the room that is taken.  Of several lines about
 * one place the last one counts: a letter, or what an operator did about it.
 */
enum {
    DEAD_LETTER_NAME_SIZE = 40,
    DEAD_LETTER_LINE_MAX = 1024 * 1024, /* longer ones are not ours */
};

#define DEAD_LETTER_BAD "bad_bytes"

/* Places in the spool. */
struct dead_letter_places {
    struct spool_position *at;
    size_t count, room;
};

struct dead_letter_index {
    unsigned number;  /* of the last file; 1 is dead-letter.ndjson */
    unsigned settled; /* files 1 to here have nothing unresolved in them, ... */
    uint64_t settled_segment; /* ... and are of segments up to this */
    bool torn;                /* the last one ends within a line */
    uint64_t bytes;           /* of letters that are not resolved */

    struct dead_letter_places known; /* letters at or behind the checkpoint */
    struct dead_letter_places runs;  /* of bad bytes, not resolved */
};

/** dead_letter_name(): dead-letter.ndjson, dead-letter.2.ndjson, … */
const char *dead_letter_name(unsigned number, char name[DEAD_LETTER_NAME_SIZE]);

/**
 * dead_letter_open_next(): for reading, the file with the lowest number above
 * *@number, which becomes that one.  Numbers may be missing: files are removed
 * when they are settled, or moved away.
 *
 * Return: a descriptor; -ENOENT: there is none; or another errno.
 */
int dead_letter_open_next(int dirfd, unsigned *number);

/** dead_letter_index_read(): dead_letter_index_deinit() is due in any case. */
int dead_letter_index_read(struct dead_letter_index *index, int dirfd,
                           struct spool_position from);
void dead_letter_index_deinit(struct dead_letter_index *index);

bool dead_letter_index_has(const struct dead_letter_index *index,
                           struct spool_position position);

/** dead_letter_index_keep(): there are bad bytes at @position. */
int dead_letter_index_keep(struct dead_letter_index *index,
                           struct spool_position position);
bool dead_letter_index_keeps(const struct dead_letter_index *index,
                             uint64_t segment);
