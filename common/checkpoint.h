#pragma once

#include "common/line.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * checkpoint.json: how far shipper has come.  Written by shipper alone, whole
 * each time; read by ingest and clickspoolctl too.  Pure but for
 * checkpoint_read().
 *
 *     {"version":1,
 *      "position":{"segment":42,"offset":1234},
 *      "streams":[{"group":"…","stream":"…","token":null,
 *                  "position":{"segment":42,"offset":1234},
 *                  "inFlight":{"position":{…},"end":{…},"count":17,
 *                              "lastEventId":"…","firstTs":…,"lastTs":…}}],
 *      "retry":{"segment":…,"offset":0},"lettersTaken":3,
 *      "droppedAhead":0,
 *      "counts":{"delivered":100,"dead":2,"dropped":0,"replayed":0},
 *      "savedAt":"2026-01-02T03:04:05.678Z"}
 *
 * `inFlight` is the batch that was being sent, or null: written before it goes
 * out, so that after a crash its entries are known to be of unknown fate.
 * Every entry before `position` is delivered or among the dead letters; it is
 * the least of the streams' positions.  `retry` is the same for the files of
 * retry/, and all zero where there never was one; up to file `lettersTaken` of
 * them, `dead` no longer counts the letters that they hold.  `droppedAhead` are
 * letters that were dropped before the position has passed their entries.
 * `counts` are the entries of all time before it, so that accepted = counts +
 * what lies behind it; a run of bad bytes is no entry, and a dead letter that
 * is not counted here.
 * Members that are not known are passed over.
 */
enum {
    CHECKPOINT_VERSION = 1,
    CHECKPOINT_BYTES_MAX = 4 * 1024 * 1024,
    CHECKPOINT_TIME_SIZE = 32,
};

struct checkpoint_inflight {
    struct spool_position first; /* where its first entry begins ... */
    struct spool_position end;   /* ... and what comes after its last one */
    uint64_t count;
    uint64_t first_ts, last_ts;
    char last_id[LINE_ID_LEN + 1];
};

struct checkpoint_stream {
    char *group;
    char *stream;
    char *token; /* the next call's sequence token, or NULL */
    struct spool_position position;
    bool in_flight; /* whether there is ... */
    struct checkpoint_inflight inflight;
};

struct checkpoint_counts {
    uint64_t delivered;
    uint64_t dead;
    uint64_t dropped;  /* by an operator */
    uint64_t replayed; /* sent again by an operator: outside the others */
};

struct checkpoint {
    struct spool_position position;
    struct spool_position retry;
    uint64_t letters_taken;
    uint64_t dropped_ahead;
    struct checkpoint_stream *streams;
    size_t stream_count;
    struct checkpoint_counts counts;
    char saved_at[CHECKPOINT_TIME_SIZE]; /* RFC 3339; "" where unknown */
};

enum {
    CHECKPOINT_BROKEN = 1,  /* no checkpoint at all: torn, or not ours */
    CHECKPOINT_UNKNOWN = 2, /* of a version this program does not know */
};

/**
 * checkpoint_parse(): the @len bytes of a checkpoint.  Unless 0 is returned
 * there is nothing in *@checkpoint that needs checkpoint_deinit().
 *
 * Return: 0, CHECKPOINT_BROKEN, CHECKPOINT_UNKNOWN or -ENOMEM.
 */
int checkpoint_parse(struct checkpoint *checkpoint, const char *bytes,
                     size_t len);

/**
 * checkpoint_read(): checkpoint_parse() of the spool's own.
 *
 * Return: the same, -ENOENT where there is none, or another errno.
 */
int checkpoint_read(struct checkpoint *checkpoint, int dirfd);

/** checkpoint_print(): the form that checkpoint_parse() reads. */
int checkpoint_print(const struct checkpoint *checkpoint, struct buf *out);

void checkpoint_deinit(struct checkpoint *checkpoint);
