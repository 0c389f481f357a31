#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The dead letters that stand in the spool's folder, as far as shipper has to
 * know them: their names from the checkpoint on, and the segments that have to
 * stay because of bad bytes in them.
 */
enum {
    DEAD_LETTER_NAME_SIZE = 40,
    DEAD_LETTER_LINE_MAX = 1024 * 1024, /* longer ones are not ours */
};

#define DEAD_LETTER_BAD "bad_bytes"

struct dead_letter_index {
    unsigned number; /* of the last file; 1 is dead-letter.ndjson */
    bool torn;       /* it ends within a line */
    uint64_t bytes;  /* of all files */

    struct spool_position *known; /* at or behind the checkpoint */
    size_t known_count, known_room;
    uint64_t *kept; /* segments with bad bytes, each once */
    size_t kept_count, kept_room;
};

/** dead_letter_name(): dead-letter.ndjson, dead-letter.2.ndjson, … */
const char *dead_letter_name(unsigned number,
                             char name[DEAD_LETTER_NAME_SIZE]);

/** dead_letter_index_read(): dead_letter_index_deinit() is due in any case. */
int dead_letter_index_read(struct dead_letter_index *index, int dirfd,
                           struct spool_position from);
void dead_letter_index_deinit(struct dead_letter_index *index);

bool dead_letter_index_has(const struct dead_letter_index *index,
                           struct spool_position position);

/** dead_letter_index_keep(): @segment has bad bytes in it. */
int dead_letter_index_keep(struct dead_letter_index *index, uint64_t segment);
bool dead_letter_index_keeps(const struct dead_letter_index *index,
                             uint64_t segment);
