#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

/*
 * The lines of one segment, from a position up to an end, whatever the file
 * holds: good lines as they are, and each unbroken run of other bytes (a torn
 * line, zeros, a wrong checksum) as one item.  Memory is bounded by two lines.
 */
struct line_reader {
    int fd;          /* borrowed */
    uint64_t end;    /* never read past; may be raised between calls */
    uint64_t offset; /* of the next byte that was not yet looked at */
    struct buf buf;  /* what was read, from @offset - @at on */
    size_t at;
    uint64_t bad_from; /* start of the bad run being gathered */
    bool in_bad;
};

struct line_item {
    const char *bytes; /* valid until the next call; NULL for a bad run */
    uint64_t offset;
    uint64_t len; /* with the newline */
};

void line_reader_init(struct line_reader *reader, int fd, uint64_t offset,
                      uint64_t end);
void line_reader_deinit(struct line_reader *reader);

/**
 * line_reader_next(): the next good line or bad run.  What lies between the
 * last newline and @end is a bad run as well: @end is a promise that the lines
 * up to there were once whole.
 *
 * Return: 1 with *@item, 0 at the end, or a negative errno (the call may be
 * made again).
 */
int line_reader_next(struct line_reader *reader, struct line_item *item);
