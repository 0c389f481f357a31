#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct letter_line;

/*
 * What became of each dead letter.  A letter is named by its place in the
 * spool, and the last word on a place counts: a letter that stands in two
 * files, as after a failed write, is one; one that was resolved and failed
 * again is dead again.  What resolves a letter that is in no file is nothing.
 *
 * Memory is 24 bytes a line, so bounded by [shipper] dead_max_size.
 */
enum letter_state { LETTER_DEAD, LETTER_DROPPED, LETTER_RETRIED };

struct letter {
    struct spool_position position;
    uint32_t number;    /* where its last letter stands: the line ... */
    unsigned file : 24; /* ... and the file */
    unsigned kind : 4;  /* enum letter_line_kind: of an entry, or of a run */
    unsigned state : 4; /* enum letter_state */
};

struct letter_index {
    struct letter *letters; /* by place */
    size_t count;
    uint64_t bytes;      /* of all files */
    uint64_t unreadable; /* lines that are no letters, torn ends included */
};

/**
 * letter_index_read(): wrong() is told of each line with which something is;
 * NULL: nobody is.  letter_index_deinit() is due in any case.
 *
 * Return: 0 or a negative errno.
 */
int letter_index_read(struct letter_index *index, int dirfd,
                      void (*wrong)(void *owner,
                                    const struct letter_line *line),
                      void *owner);
void letter_index_deinit(struct letter_index *index);

/** letter_index_at(): the letter of that place, or NULL. */
const struct letter *letter_index_at(const struct letter_index *index,
                                     struct spool_position position);

/** letter_index_find(): the letter whose last line that is, or NULL. */
const struct letter *letter_index_find(const struct letter_index *index,
                                       const struct letter_line *line);

/** Why an entry is dead; "" where the letter does not say. */
struct letter_why {
    char reason[64];
    char code[128]; /* CloudWatch's */
};

/** letter_why_read(): of one letter; its file is read once more.  Return: 0 or
 * a negative errno. */
int letter_why_read(struct letter_why *why, int dirfd,
                    const struct letter *letter);

/** letter_state_name(): "dead", "dropped", "retried". */
const char *letter_state_name(enum letter_state state);
