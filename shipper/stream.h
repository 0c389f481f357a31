#pragma once

#include "common/slice.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct aws;
struct dead_letter;
struct gzip;
struct settings;

/*
 * One log stream: its name, its sequence token, a batch on its way and the
 * next one gathering behind it.  One request in flight, so that entries arrive
 * in order; a batch is tried for as long as it takes.
 *
 *     IDLE ──▶ CALLING ──taken──▶ SETTLING ──▶ IDLE
 *                │  ▲               letters durable, then settled()
 *        refused ▼  │ delay over
 *              WAITING ◀──────── CREATING (group or stream was missing)
 *
 * Where no answer tells what became of a call, the batch is of unknown fate:
 * it is LOOKING, and sends again only what CloudWatch does not show.  So is,
 * after a start, what was in flight when shipper ended.
 */
enum stream_state {
    STREAM_IDLE,     /* nothing is on its way */
    STREAM_CALLING,  /* PutLogEvents has been asked */
    STREAM_CREATING, /* group and stream are being made */
    STREAM_LOOKING,  /* is what was sent there? */
    STREAM_WAITING,  /* until the next try */
    STREAM_SETTLING, /* taken; the rejected ones go to the dead letters */
};

struct checkpoint_inflight;
struct figures;
struct stream;

/** What all streams of a shipper share; borrowed for their whole life. */
struct stream_world {
    uv_loop_t *loop;
    const struct settings *settings;
    struct aws *aws;
    struct dead_letter *dead;
    struct figures *figures;
    struct gzip *gzip; /* NULL: bodies go plain */
    bool plain;        /* the service could not read gzip */
    bool blind;        /* it does not let us look anything up: was told */
    int dirfd;
    void *owner;

    /* What CloudWatch's clock shows, and the latest time that it takes; both 0
     * where its clock is not known.  An entry from later than that was received
     * while the machine's clock was wrong, and is sent with the present time.
     */
    int64_t now_ms, latest_ms;

    /** A batch is about to be sent: it has to be known as in flight, durably,
     * before this returns. */
    void (*sending)(void *owner, struct stream *stream);

    /** A batch of @delivered and @dead entries is done with, up to
     * stream_position(): the checkpoint may move.  From the loop. */
    void (*settled)(void *owner, struct stream *stream, uint64_t delivered,
                    uint64_t dead);

    /** What stream_say() was given is @taken, or it is given up. */
    void (*said)(void *owner, struct stream *stream, bool taken);

    /** Whether an entry of @segment that cannot be delivered is to become a
     * dead letter.  NULL: each is. */
    bool (*buries)(void *owner, uint64_t segment);
};

/** stream_set_clock(): now_ms and latest_ms, by a Date of CloudWatch's that is
 * no older than ten minutes. */
void stream_set_clock(struct stream_world *world);

/** What is going on, for status; texts are the stream's. */
struct stream_report {
    const char *group, *name; /* NULL: a sum over several */
    struct spool_position position;
    enum stream_state state;
    bool holding;            /* refused for what it is: no retry will help */
    unsigned failures;       /* in a row */
    int64_t next_retry_ms;   /* wall clock; 0: none is due */
    int64_t last_success_ms; /* 0: none yet */
    int64_t last_error_ms;   /* 0: none yet */
    int64_t oldest_ms;       /* ts of the oldest entry here; 0: there is none */
    const char *error_code;
    const char *error_message;
};

enum { STREAM_FULL = 1 };

/** What is known of a stream at the start. */
struct stream_past {
    const char *token; /* or NULL */
    struct spool_position position;

    /** Entries before this place may have been sent: they are looked up until
     * resolve_wait is over. */
    struct spool_position doubt_end;

    /** What the checkpoint says was in flight, or NULL: it stays so until all
     * of it is settled, however often shipper ends meanwhile. */
    const struct checkpoint_inflight *in_flight;

    /** Batches behind it are looked up too, once each, until one of which
     * nothing is there: a checkpoint may be older than what was sent. */
    bool look;
};

/** stream_new(): all texts are copied. */
int stream_new(struct stream **stream, struct stream_world *world,
               const char *group, const char *name,
               const struct stream_past *past);

/** stream_close(): a call under way is given up; the loop runs on a turn. */
void stream_close(struct stream *stream);

const char *stream_group(const struct stream *stream);
const char *stream_name_of(const struct stream *stream);
const char *stream_token(const struct stream *stream);

/** stream_position(): all entries before it are delivered or dead. */
struct spool_position stream_position(const struct stream *stream);

/** stream_in_flight(): what may have been sent and is not settled.  Return:
 * whether there is any. */
bool stream_in_flight(const struct stream *stream,
                      struct checkpoint_inflight *inflight);

/**
 * stream_offer(): take an entry's line, copied, for the next batch.  A batch
 * never holds entries of two files of retry/.
 *
 * Return: 0; STREAM_FULL: the next batch is full too, offer it again after
 * settled(); or -ENOMEM.
 */
int stream_offer(struct stream *stream, struct slice line, int64_t ts,
                 struct spool_position position, struct spool_position next);

/**
 * stream_say(): send @line, an entry of our own that stands nowhere in the
 * spool, by itself.  It is tried until the first failure that needs a delay:
 * what it says is old by then.
 *
 * Return: whether said() will be called; the stream may be busy.
 */
bool stream_say(struct stream *stream, struct slice line, int64_t ts);

/**
 * stream_pass(): there is nothing for this stream before @position.  Only an
 * empty stream moves; others will when their batches are settled.
 */
void stream_pass(struct stream *stream, struct spool_position position);

/** stream_poke(): send the gathered batch if it is due: full, older than
 * linger, or @now. */
void stream_poke(struct stream *stream, bool now);

/** stream_pending(): entries it has that are not settled; but for those of
 * files of retry/ that are outside the counts. */
uint64_t stream_pending(const struct stream *stream);

/** stream_busy(): something is on its way, or waits for its next try. */
bool stream_busy(const struct stream *stream);

/** stream_is_same(): whether both are of one log stream. */
bool stream_is_same(const struct stream *a, const struct stream *b);

/** stream_empty(): nothing is gathered and nothing on its way. */
bool stream_empty(const struct stream *stream);

/** stream_stuck(): what is on its way waits: for a retry, or to be seen. */
bool stream_stuck(const struct stream *stream);

struct stream_report stream_report(const struct stream *stream);

/** stream_report_add(): @one is part of what @sum tells: the worst state, the
 * last error, the oldest entry. */
void stream_report_add(struct stream_report *sum,
                       const struct stream_report *one);
