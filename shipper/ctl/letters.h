#pragma once

#include "common/spool.h"

#include <stdint.h>

/*
 * The dead letters, counted over all their files.  A letter is named by its
 * place in the spool; one that stands in two files, as after a failed write,
 * is one letter.
 */
struct letters {
    uint64_t entries; /* that are dead, and nobody resolved that */
    uint64_t runs;    /* of bad bytes, likewise */
    uint64_t dropped; /* resolved by an operator: entries and runs */
    uint64_t retried;
    uint64_t passed;     /* entries before the position, but those retried */
    uint64_t unreadable; /* lines that are no letters, torn ends included */
    uint64_t bytes;      /* of all files */
};

/** letters_read(): Return: 0 or a negative errno. */
int letters_read(struct letters *letters, int dirfd,
                 struct spool_position position);
