#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct aws;
struct aws_answer;
struct batch;

/*
 * Whether CloudWatch holds a batch whose answer never came: GetLogEvents over
 * its span of time, page by page, again and again (user guide: events may show
 * late; finding them proves delivery, not finding them proves nothing until
 * they have had their time).  Entries from the future are looked for over the
 * last day: they were sent with the time of then.
 */
enum lookup_end {
    LOOKUP_ALL,       /* each entry is there */
    LOOKUP_SOME,      /* the time is over, and some are */
    LOOKUP_NONE,      /* the time is over, or there is no such stream */
    LOOKUP_FORBIDDEN, /* this cannot be asked: nothing is known */
    LOOKUP_FAILED,    /* to be started again, after a while */
};

struct lookup;

/**
 * lookup_new(): looks into one stream; texts and @aws are borrowed.  done() is
 * called from the loop, never from lookup_start(), and may start the next; with
 * LOOKUP_FAILED @answer tells why (NULL: there was no memory).
 */
int lookup_new(struct lookup **lookup, uv_loop_t *loop, struct aws *aws,
               const char *group, const char *stream, int dirfd,
               void (*done)(void *owner, enum lookup_end end,
                            const struct aws_answer *answer),
               void *owner);

/** lookup_close(): one under way is given up; the loop has to run a turn. */
void lookup_close(struct lookup *lookup);

/**
 * lookup_start(): seek the entries of @batch, which stays as it is, until all
 * are seen, or a look that began at @until_us (steady clock) or later is over.
 *
 * Return: 0, or a negative errno: of memory, or of the spool.
 */
int lookup_start(struct lookup *lookup, const struct batch *batch,
                 int64_t until_us);

/** lookup_saw(): of entry @index, in done() with LOOKUP_SOME. */
bool lookup_saw(const struct lookup *lookup, size_t index);
