#pragma once

#include "common/buf.h"
#include "common/line.h"
#include "common/slice.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Entries packed under PutLogEvents' limits (API reference, "PutLogEvents"):
 * in order of time, 10,000 events, 1 MiB counting the UTF-8 bytes of each
 * message and 26 more, 24 hours from the first to the last.  Packing is
 * greedy, which in a fixed order needs the fewest calls.  Pure.
 *
 * The call's body is written as entries come; where each one stood in the
 * spool is kept beside it, as that is the name of a dead letter.
 */
enum {
    BATCH_EVENTS_MAX = 10000,
    BATCH_BYTES_MAX = 1048576,
    BATCH_EVENT_OVERHEAD = 26,
    BATCH_SPAN_MAX_MS = 24 * 60 * 60 * 1000,
    BATCH_BODY_MAX = 8 * 1024 * 1024, /* each byte escaped, and members */
};

struct batch_entry {
    struct spool_position position;
    int64_t ts;   /* that CloudWatch is told: the line's own, or a later one */
    uint32_t len; /* of the line, without its newline */
    bool done;    /* CloudWatch has it: not to be sent again */
};

struct batch {
    struct buf body;   /* up to the last event; batch_finish() ends it */
    size_t head;       /* bytes of body before the first event */
    size_t events_end; /* bytes of body behind the last event */
    struct batch_entry *entries; /* room for BATCH_EVENTS_MAX */
    size_t count;
    uint64_t bytes; /* as the limit counts them */
    int64_t first_ts, last_ts;
    int64_t first_us;              /* steady clock when the first one came */
    struct spool_position next;    /* behind its last entry */
    char last_id[LINE_ID_LEN + 1]; /* eventId of the last entry, or "" */
};

/** batch_new(): for the calls of one stream.  Return: 0 or -ENOMEM. */
int batch_new(struct batch **batch, const char *group, const char *stream);
void batch_free(struct batch *batch);

/** batch_clear(): empty again; memory is kept. */
void batch_clear(struct batch *batch);

enum { BATCH_FULL = 1 }; /* the entry fits the next batch, not this one */

/**
 * batch_add(): @line is a spool line without its newline, at most
 * LINE_LEN_MAX bytes, so any fits an empty batch.
 *
 * Return: 0, BATCH_FULL or -ENOMEM; unless 0, the batch is as it was.
 */
int batch_add(struct batch *batch, struct slice line, int64_t ts,
              struct spool_position position, struct spool_position next);

/** batch_is_full(): no entry whatever would fit. */
bool batch_is_full(const struct batch *batch);

/** batch_finish(): the body to send, with @token unless that is NULL.  May be
 * called again with another token.  Return: 0 or -ENOMEM. */
int batch_finish(struct batch *batch, const char *token);
