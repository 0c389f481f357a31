#pragma once

#include <stdbool.h>
#include <stdint.h>

struct settings;

/*
 * Is there room for another entry?  Not while an operator drains the spool,
 * not where more than max_unshipped waits for shipper, and not where the disk
 * has less than min_free, of which two segments are kept for dead letters and
 * the checkpoint whatever min_free says.  Looked up now and then, and after
 * every mebibyte taken.
 */
struct room {
    int dirfd; /* borrowed */
    uint64_t max_unshipped;
    uint64_t min_free;
    uint64_t unseen;  /* bytes taken since the last look */
    const char *full; /* why there is no room, or NULL */
    bool draining;    /* that is why: an operator wants it */
};

void room_init(struct room *room, int dirfd, const struct settings *settings);

/** room_look(): at the disk and the checkpoint; logs a change. */
void room_look(struct room *room);

/** room_take(): @bytes are about to be written. */
void room_take(struct room *room, uint64_t bytes);
