#pragma once

#include "common/slice.h"
#include "common/spool.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The lines of the dead-letter files, in the order in which they were written:
 * file by file, each from its beginning.  Memory is one line.
 */
enum letter_line_kind {
    LETTER_LINE_BAD,     /* no letter, and nothing that resolves one */
    LETTER_LINE_TORN,    /* without a newline, at the end of a file: its write
                            failed or goes on, and was never promised */
    LETTER_LINE_ENTRY,   /* an entry that cannot be delivered */
    LETTER_LINE_RUN,     /* a run of bad bytes */
    LETTER_LINE_DROPPED, /* an operator has dropped the letter of that place */
    LETTER_LINE_RETRIED,
};

struct letter_line {
    enum letter_line_kind kind;
    struct spool_position position; /* unless it is bad or torn */
    unsigned file;                  /* as dead_letter_name() takes it */
    uint32_t number;                /* in its file, from 1 */
    const char *wrong;  /* NULL, or what is: of a bad line, or of an entry */
    struct slice text;  /* without its newline; not of one that is too long */
    struct slice entry; /* of LETTER_LINE_ENTRY, verbatim */
};

struct letter_reader {
    int dirfd; /* borrowed */
    unsigned file;
    uint32_t number;
    FILE *stream; /* NULL between two files */
    char *line;
    uint64_t bytes; /* read so far */
};

/** letter_reader_init(): letter_reader_deinit() is due in any case. */
int letter_reader_init(struct letter_reader *reader, int dirfd);
void letter_reader_deinit(struct letter_reader *reader);

/**
 * letter_reader_next(): the next line, whatever it is; its slices are good
 * until the next call.
 *
 * Return: 1, 0 at the end, or a negative errno.
 */
int letter_reader_next(struct letter_reader *reader, struct letter_line *line);

/** letter_line_ts(): when an entry was received; INT64_MIN: not told. */
int64_t letter_line_ts(const struct letter_line *line);
