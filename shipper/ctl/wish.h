#pragma once

#include "common/buf.h"
#include "common/slice.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>

struct ctl;

/*
 * What an operator wants of a running shipper, written to retry/ in the
 * spool's folder: entries that are to be sent once more, and what the dead
 * letters are to say.  shipper takes it over the broker (retry_files.h).
 *
 * One wish at a time: a lock is held from wish_open() to wish_close(), so that
 * no letter is taken twice.
 */
enum {
    WISH_NAME_SIZE = 40,
    WISH_LETTERS_MAX = 100 * 1000, /* of one wish */
};

struct wish {
    const struct ctl *ctl; /* borrowed */
    int lock, folder;
    char name[WISH_NAME_SIZE];
    int lines, letters; /* -1: not begun */
    struct buf lines_text, letters_text;
    uint64_t bytes; /* of the lines' file */
    uint64_t entries, letter_count;
    uint64_t number; /* what shipper calls it, after wish_send() */
};

/** wish_open(): wish_close() is due in any case, and takes back what was not
 * sent; of one that is all zero it does nothing.  Return: 0, or an exit code,
 * told. */
int wish_open(struct wish *wish, const struct ctl *ctl);
void wish_close(struct wish *wish);

/** wish_begin_lines(): before the first line; @rate: entries a second, or 0.
 * Return: 0 or a negative errno. */
int wish_begin_lines(struct wish *wish, enum spool_kind kind, uint64_t rate);

/**
 * wish_add(): an entry's @line, without its newline.  With @anew it gets the
 * present time, and `receivedAt` tells the first one.
 *
 * Return: 0; -E2BIG: with that it would be too long; -ENOSPC: there is no room
 * beside what is kept free; or another errno.
 */
int wish_add(struct wish *wish, struct slice line, bool anew);

/** wish_resolve(): the letter at @position is @what: "dropped" or "retried".
 * Return: 0 or a negative errno. */
int wish_resolve(struct wish *wish, struct spool_position position,
                 const char *what, bool run);

/** wish_send(): Return: 0, or an exit code, told. */
int wish_send(struct wish *wish);
