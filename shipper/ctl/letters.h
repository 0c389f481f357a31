#pragma once

#include "common/checkpoint.h"

#include <stdbool.h>
#include <stdint.h>

/** The dead letters, counted over all their files, by what became of them. */
struct letters {
    uint64_t entries; /* that are dead, and nobody resolved that */
    uint64_t runs;    /* of bad bytes, likewise; the first of them ... */
    struct spool_position first_run; /* ... is there */
    uint64_t dropped; /* resolved by an operator: entries and runs */
    uint64_t retried;
    uint64_t passed;   /* of the dead entries, those before the position ... */
    uint64_t given_up; /* ... and of the dropped ones */
    bool settled; /* the first files are gone, as nothing in them is open */
    uint64_t unreadable; /* lines that are no letters, torn ends included */
    uint64_t bytes;      /* of all files */
};

/** letters_read(): @checkpoint has the positions.  Return: 0 or a negative
 * errno. */
int letters_read(struct letters *letters, int dirfd,
                 const struct checkpoint *checkpoint);
