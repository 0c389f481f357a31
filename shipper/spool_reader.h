#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Everything that was acknowledged, from a position onwards, over all the
 * segments there are and will be; or all that stands in retry/.  A sealed
 * segment is read up to the end that its successor names; the active one up to
 * what ingest has published, and, while no ingest lives, up to where a starting
 * ingest would trust it.  Nothing beyond these ends was acknowledged, and
 * nothing is handed out.
 *
 * Control lines are passed over.  Memory is bounded by two lines.
 */
struct spool_reader;

struct spool_item {
    const char *bytes; /* valid until the next call; NULL: a bad run */
    uint64_t len;      /* of an entry's line, without its newline */
    int64_t ts;        /* of an entry */
    struct spool_position position; /* where it begins ... */
    struct spool_position next;     /* ... and what is read after it */
};

/** spool_reader_new(): of the spool's segments, or, with @retry, of the files
 * of retry/; @dirfd, the spool's folder, is borrowed for the whole life. */
int spool_reader_new(struct spool_reader **reader, int dirfd, bool retry);
void spool_reader_free(struct spool_reader *reader);

/**
 * spool_reader_seek(): go on at @position; where its segment is gone, or no
 * segment is named, at the beginning of the next one there is.
 */
void spool_reader_seek(struct spool_reader *reader,
                       struct spool_position position);

/**
 * spool_reader_check(): whether this program knows the version of each segment
 * that is there from the position on, and of the published end.
 *
 * Return: 0, SPOOL_UNKNOWN or a negative errno.
 */
int spool_reader_check(struct spool_reader *reader);

/**
 * spool_reader_next(): the next entry or bad run.
 *
 * Without @thorough, nothing but the published end is looked at when the
 * present segment is used up, which costs no system call.  Call it thoroughly
 * once a second: then segments, and whether ingest lives, are looked up too.
 *
 * Return: 1 with *@item; 0: nothing more for the moment; SPOOL_UNKNOWN for a
 * version that this program does not know; or a negative errno (the call may
 * be made again).
 */
int spool_reader_next(struct spool_reader *reader, bool thorough,
                      struct spool_item *item);

/** spool_reader_position(): everything before it has been handed out. */
struct spool_position spool_reader_position(const struct spool_reader *reader);

/** spool_reader_end(): of what may be read at the moment. */
struct spool_position spool_reader_end(const struct spool_reader *reader);

/** spool_reader_lowest(): the number of the lowest segment, or 0. */
uint64_t spool_reader_lowest(const struct spool_reader *reader);

/** spool_reader_bytes(): the synced bytes behind the position, for the lag. */
uint64_t spool_reader_bytes(const struct spool_reader *reader,
                            struct spool_position position);
