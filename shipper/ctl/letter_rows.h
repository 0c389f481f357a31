#pragma once

#include "common/spool.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The lines of all dead-letter files, sorted by the places in the spool that
 * they speak of.  Memory is 32 bytes a line, so bounded by [shipper]
 * dead_max_size.
 */
enum letter_kind {
    LETTER_ENTRY,   /* an entry is dead */
    LETTER_RUN,     /* a run of bad bytes is */
    LETTER_DROPPED, /* an operator dropped it */
    LETTER_RETRIED, /* an operator had it sent again */
};

struct letter_row {
    struct spool_position position;
    uint64_t offset; /* of the line, in its file ... */
    unsigned file;   /* ... dead_letter_name() of this */
    enum letter_kind kind;
};

struct letter_rows {
    struct letter_row *rows; /* by position, then as they were written */
    size_t count, room;
    uint64_t unreadable; /* lines that are no letters, torn ends included */
    uint64_t bytes;      /* of all files */
};

/** letter_rows_read(): letter_rows_deinit() is due in any case.
 * Return: 0 or a negative errno. */
int letter_rows_read(struct letter_rows *rows, int dirfd);
void letter_rows_deinit(struct letter_rows *rows);

/**
 * letter_rows_at(): all rows of one place: *@count of them, from the one that
 * is returned on; NULL where there is none.
 */
const struct letter_row *letter_rows_at(const struct letter_rows *rows,
                                        struct spool_position position,
                                        size_t *count);

/** letter_rows_kinds(): the kinds of @count rows, as bits. */
unsigned letter_rows_kinds(const struct letter_row *rows, size_t count);

/** Why an entry is dead; "" where the letter does not say. */
struct letter_why {
    char reason[64];
    char code[128]; /* CloudWatch's */
};

/** letter_why_read(): from the line of @row.  Return: 0 or a negative errno. */
int letter_why_read(struct letter_why *why, int dirfd,
                    const struct letter_row *row);
