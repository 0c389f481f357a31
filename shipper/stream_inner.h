#pragma once

#include "common/buf.h"
#include "shipper/aws.h"
#include "shipper/cwlogs.h"
#include "shipper/lookup.h"
#include "shipper/provision.h"
#include "shipper/stream.h"

/*
 * A stream's inside: stream.c has its life and what gathers, stream_call.c
 * what is sent and what the answers do.
 */
enum { ERROR_CODE_SIZE = 64, ERROR_MESSAGE_SIZE = 256 };

struct stream {
    struct stream_world *world;
    char *group, *name, *token;
    struct spool_position position; /* before it everything is settled */
    enum stream_state state;

    struct batch *gathering; /* takes entries */
    struct batch *sending;   /* frozen until it is settled */
    struct batch *part;      /* what of it is not done, or NULL: all of it */
    uint64_t delivered;      /* entries of it that are done */
    bool closed_batch;       /* the gathered one takes no more: it is full */
    struct buf packed;       /* the gzipped body of `sending` */
    struct cwlogs_rejected rejected;
    struct aws_call call;
    struct provision provision;
    struct lookup *lookup;
    struct spool_position doubt_end; /* entries before it may have been sent */
    int64_t doubt_until_us;          /* they show by then, if they were */
    bool look;                       /* so may those behind it */
    bool doubtful;    /* what is on the wire is: it is looked up first, ... */
    int64_t until_us; /* ... until then; 0: once */

    uv_timer_t retry;
    int64_t retry_at_ms;
    unsigned failures;
    bool holding;
    bool created; /* group and stream were made since the last success */
    uint64_t bytes;
    int64_t last_success_ms, last_error_ms;
    char error_code[ERROR_CODE_SIZE];
    char error_message[ERROR_MESSAGE_SIZE];
};

/** stream_send(): what of `sending` is not done, or a look for it first. */
void stream_send(struct stream *stream);

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
