#pragma once

#include "common/buf.h"
#include "common/checkpoint.h"
#include "shipper/aws.h"
#include "shipper/cwlogs.h"
#include "shipper/lookup.h"
#include "shipper/provision.h"
#include "shipper/sift.h"
#include "shipper/stream.h"
#include "shipper/suspects.h"

/*
 * A stream's inside: stream.c has its life and what gathers, stream_call.c
 * what is sent and what the answers do, stream_look.c how it is found out
 * whether a batch is there, stream_sift.c what is done about one that is
 * refused for its content.
 */
enum { ERROR_CODE_SIZE = 64, ERROR_MESSAGE_SIZE = 256 };

struct stream {
    struct stream_world *world;
    char *group, *name, *token;
    struct spool_position position; /* before it everything is settled */
    enum stream_state state;

    struct batch *gathering;  /* takes entries */
    struct batch *sending;    /* frozen until it is settled */
    struct batch *part;       /* what of it is not done, or NULL: all of it */
    uint64_t delivered, dead; /* entries of it that are done with */
    bool sifting;             /* it was refused: the guilty are searched */
    bool probing;             /* `part` is an entry of our own */
    bool saying;              /* so it is, and `sending` is empty */
    bool moved;               /* entries of it got the present time */
    struct sift sift;
    struct suspects suspects;
    bool closed_batch; /* the gathered one takes no more: it is full */
    struct buf packed; /* the gzipped body of `sending` */
    struct cwlogs_rejected rejected;
    struct aws_call call;
    struct provision provision;
    struct lookup *lookup;
    struct checkpoint_inflight left; /* in flight at the start */
    struct spool_position doubt_end; /* entries before it may have been sent */
    int64_t doubt_until_us;          /* they show by then, if they were */
    bool look;                       /* so may those behind it */
    bool unseen;                     /* nothing of the batch was there */
    bool doubtful;    /* what is on the wire is: it is looked up first, ... */
    int64_t until_us; /* ... until then; 0: once */

    uv_timer_t retry;
    int64_t retry_at_ms;
    unsigned failures;
    bool corrected; /* sent again with another clock since the last success */
    bool holding;
    bool ahead;   /* entries from the future were told of */
    bool created; /* group and stream were made since the last success */
    int64_t last_success_ms, last_error_ms;
    char error_code[ERROR_CODE_SIZE];
    char error_message[ERROR_MESSAGE_SIZE];
};

/** stream_send(): what of `sending` is not done, or a look for it first. */
void stream_send(struct stream *stream);

/** stream_wire(): what is being sent, or about to be. */
struct batch *stream_wire(const struct stream *stream);

/** stream_settle(): the wire is with CloudWatch, but for stream->rejected;
 * those are durable among the dead letters before anybody hears of it. */
void stream_settle(struct stream *stream);

/** stream_note_error(): for status. */
void stream_note_error(struct stream *stream, const char *code,
                       const char *message);

/** stream_again(): stream_go_on() at once, but not twice in a row. */
void stream_again(struct stream *stream, const struct aws_answer *answer);

/** stream_fail_locally(): stream_go_on() after a delay, for lack of memory or
 * room. */
void stream_fail_locally(struct stream *stream, int error);

/** stream_look_no_further(): what comes next cannot have been sent. */
void stream_look_no_further(struct stream *stream);

/** stream_look_up(): is what is on the wire there? */
void stream_look_up(struct stream *stream);

/** stream_doubt(): no answer tells what became of the call. */
void stream_doubt(struct stream *stream, const struct aws_answer *answer);

/** stream_go_on(): the next part of `sending`, or a look for it. */
void stream_go_on(struct stream *stream);

/** stream_wait_after(): stream_go_on() after the delay that @answer asks for.
 */
void stream_wait_after(struct stream *stream, const struct aws_answer *answer);

/** stream_part_range(): the entries of `sending` that the wire is taken from:
 * those of them that are not done. */
struct sift_range stream_part_range(const struct stream *stream);

/** stream_make_part(): what has to be sent next stands ready in `part`; or all
 * of `sending` has, and there is no part.  Return: 0 or a negative errno. */
int stream_make_part(struct stream *stream);

/** stream_refused(): the wire was, for its content. */
void stream_refused(struct stream *stream, const struct aws_answer *answer);

/** stream_taken(): @accepted entries of the wire were, @dead were not and are
 * among the dead letters, as are the suspects where any was.  Return: whether
 * there is more of `sending` to send. */
bool stream_taken(struct stream *stream, uint64_t accepted, uint64_t dead);

/** stream_provisioned(): provision.done. */
void stream_provisioned(struct provision *provision,
                        const struct aws_answer *answer);

/** stream_looked(): lookup_new()'s done. */
void stream_looked(void *owner, enum lookup_end end,
                   const struct aws_answer *answer);

/** stream_set_token(): copied; NULL: none. */
void stream_set_token(struct stream *stream, const char *token);

/** stream_free_part(): all that is not done of `sending` is all of it. */
void stream_free_part(struct stream *stream);
