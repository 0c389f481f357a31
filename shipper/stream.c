#include "shipper/stream.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/gzip.h"
#include "common/jitter.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/batch.h"
#include "shipper/cwlogs.h"
#include "shipper/dead_letter.h"
#include "shipper/figures.h"
#include "shipper/provision.h"
#include "shipper/rejected.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_CODE_SIZE = 64, ERROR_MESSAGE_SIZE = 256 };

struct stream {
    struct stream_world *world;
    char *group, *name, *token;
    struct spool_position position; /* before it everything is settled */
    enum stream_state state;

    struct batch *gathering; /* takes entries */
    struct batch *sending;   /* frozen until it is settled */
    bool closed_batch;       /* the gathered one takes no more: it is full */
    struct buf packed;       /* the gzipped body of `sending` */
    struct cwlogs_rejected rejected;
    struct aws_call call;
    struct provision provision;

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

static void send_batch(struct stream *stream);
static void settle(struct stream *stream);
static void on_answer(struct aws_call *call, const struct aws_answer *answer);
static void on_provisioned(struct provision *provision,
                           const struct aws_answer *answer);

static void
free_stream(struct stream *stream)
{
    batch_free(stream->gathering);
    batch_free(stream->sending);
    buf_deinit(&stream->packed);
    provision_deinit(&stream->provision);
    free(stream->group);
    free(stream->name);
    free(stream->token);
    free(stream);
}

static void
on_retry_closed(uv_handle_t *handle)
{
    free_stream(handle->data);
}

static void
set_token(struct stream *stream, const char *token)
{
    char *copy = token ? strdup(token) : NULL;

    /* Without memory none is sent: a service that wants one says so. */
    free(stream->token);
    stream->token = copy;
}

int
stream_new(struct stream **out, struct stream_world *world, const char *group,
           const char *name, const char *token, struct spool_position position)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return -ENOMEM;
    stream->world = world;
    stream->group = strdup(group);
    stream->name = strdup(name);
    stream->position = position;
    set_token(stream, token);
    buf_init(&stream->packed, BATCH_BODY_MAX);
    if (!stream->group || !stream->name ||
        batch_new(&stream->gathering, group, name) < 0 ||
        batch_new(&stream->sending, group, name) < 0) {
        free_stream(stream);
        return -ENOMEM;
    }

    stream->provision = (struct provision){
        .aws = world->aws,
        .group = stream->group,
        .stream = stream->name,
        .retention_days = world->settings->shipper.retention_days,
        .done = on_provisioned,
    };
    provision_init(&stream->provision);
    (void)uv_timer_init(world->loop, &stream->retry); /* cannot fail */
    stream->retry.data = stream;
    *out = stream;
    return 0;
}

void
stream_close(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->state == STREAM_CALLING)
        aws_call_cancel(&stream->call);
    provision_cancel(&stream->provision);
    uv_close((uv_handle_t *)&stream->retry, on_retry_closed);
}

const char *
stream_group(const struct stream *stream)
{
    return stream->group;
}

const char *
stream_name_of(const struct stream *stream)
{
    return stream->name;
}

const char *
stream_token(const struct stream *stream)
{
    return stream->token;
}

struct spool_position
stream_position(const struct stream *stream)
{
    return stream->position;
}

bool
stream_empty(const struct stream *stream)
{
    return stream->state == STREAM_IDLE && !stream->gathering->count;
}

bool
stream_stuck(const struct stream *stream)
{
    return stream->state == STREAM_WAITING ||
           (stream->state == STREAM_SETTLING && stream->failures);
}

int
stream_offer(struct stream *stream, struct slice line, int64_t ts,
             struct spool_position position, struct spool_position next)
{
    int r;

    if (stream->closed_batch)
        return STREAM_FULL;
    r = batch_add(stream->gathering, line, ts, position, next);
    if (r < 0)
        return r;
    if (!r && stream->gathering->count == 1)
        stream->gathering->first_us = clock_mono_us();
    stream->closed_batch = r == BATCH_FULL || batch_is_full(stream->gathering);
    return r == BATCH_FULL ? STREAM_FULL : 0;
}

void
stream_pass(struct stream *stream, struct spool_position position)
{
    if (stream_empty(stream))
        stream->position = position;
}

void
stream_poke(struct stream *stream, bool now)
{
    struct batch *batch = stream->gathering;
    int64_t age_us = clock_mono_us() - batch->first_us;

    if (stream->state != STREAM_IDLE || !batch->count)
        return;
    if (!now && !stream->closed_batch &&
        age_us < stream->world->settings->shipper.linger * 1000)
        return;
    stream->gathering = stream->sending;
    stream->sending = batch;
    stream->closed_batch = false;
    send_batch(stream);
}

static void
on_retry(uv_timer_t *timer)
{
    struct stream *stream = timer->data;

    stream->retry_at_ms = 0;
    if (stream->state == STREAM_SETTLING)
        settle(stream);
    else
        send_batch(stream);
}

static void
retry_in(struct stream *stream, int64_t delay_ms)
{
    stream->retry_at_ms = clock_wall_ms() + delay_ms;
    (void)uv_timer_start(&stream->retry, on_retry, (uint64_t)delay_ms, 0);
}

/* A failure is told here, once, with what happens next. */
static void
fail(struct stream *stream, const char *code, const char *message,
     int64_t delay_ms)
{
    stream->last_error_ms = clock_wall_ms();
    (void)snprintf(stream->error_code, ERROR_CODE_SIZE, "%s", code);
    (void)snprintf(stream->error_message, ERROR_MESSAGE_SIZE, "%s", message);
    log_write(stream->holding ? LOG_ERROR : LOG_WARNING,
              stream->holding ? "ship_holds" : "ship_failed",
              (const struct log_field[]){
                  log_text("stream", stream->name),
                  log_text("code", code),
                  log_text("message", message),
                  log_int("entries", (int64_t)stream->sending->count),
                  log_int("try", stream->failures),
                  log_int("next_ms", delay_ms),
                  {0, 0, 0}});
    retry_in(stream, delay_ms);
}

static void
fail_locally(struct stream *stream, int error)
{
    stream->failures++;
    fail(stream, "local", strerror(-error),
         backoff_delay_ms(BACKOFF_BASE_MS, stream->failures, jitter_bits()));
}

static void
wait_after(struct stream *stream, const struct aws_answer *answer)
{
    int64_t base = answer->advice == AWS_SLOW_DOWN ? BACKOFF_THROTTLED_MS
                                                   : BACKOFF_BASE_MS;
    int64_t delay_ms;

    stream->state = STREAM_WAITING;
    stream->failures++;
    delay_ms = backoff_delay_ms(base, stream->failures, jitter_bits());
    delay_ms =
        backoff_hinted_ms(delay_ms, answer->hint_ms, answer->retry_after_ms);
    fail(stream, answer->code, answer->message, delay_ms);
}

/* What can be sent again at once is, but not twice in a row. */
static void
again(struct stream *stream, const struct aws_answer *answer)
{
    if (stream->failures) {
        wait_after(stream, answer);
        return;
    }
    stream->failures = 1;
    stream->state = STREAM_WAITING;
    log_info("ship_again", log_text("stream", stream->name),
             log_text("code", answer->code), );
    retry_in(stream, 0);
}

/* Return: the body to send, and whether it is compressed. */
static int
encode(struct stream *stream, struct slice *body, bool *gzipped)
{
    struct stream_world *world = stream->world;
    struct buf *plain = &stream->sending->body;
    int r;

    r = batch_finish(stream->sending, stream->token);
    if (r < 0)
        return r;
    *body = (struct slice){plain->data, plain->len};
    *gzipped = false;
    if (!world->gzip || world->plain)
        return 0;
    r = gzip_deflate(world->gzip, plain->data, plain->len, &stream->packed);
    if (r < 0)
        return r;
    if (r == 0) {
        *body = (struct slice){stream->packed.data, stream->packed.len};
        *gzipped = true;
    }
    return 0;
}

static void
send_batch(struct stream *stream)
{
    struct slice body;
    bool gzipped;
    int r;

    r = encode(stream, &body, &gzipped);
    if (!r) {
        stream->call = (struct aws_call){
            .service = CWLOGS_SERVICE,
            .target = CWLOGS_PUT,
            .body = body,
            .gzipped = gzipped,
            .done = on_answer,
            .owner = stream,
        };
        r = aws_call_start(stream->world->aws, &stream->call);
    }
    if (!r && gzipped)
        stream->world->figures->compressed_bytes += body.len;
    stream->state = r ? STREAM_WAITING : STREAM_CALLING;
    if (r)
        fail_locally(stream, r);
}

static void
on_provisioned(struct provision *provision, const struct aws_answer *answer)
{
    struct stream *stream =
        (struct stream *)((char *)provision -
                          offsetof(struct stream, provision));

    if (cwlogs_made(answer))
        send_batch(stream);
    else
        wait_after(stream, answer);
}

static void
make_missing(struct stream *stream, const struct aws_answer *answer)
{
    stream->holding = !stream->world->settings->shipper.create;
    /* Made just now, and still missing: not again at once. */
    if (stream->holding || stream->created ||
        provision_busy(&stream->provision)) {
        stream->created = false;
        wait_after(stream, answer);
        return;
    }
    stream->created = true;
    stream->state = STREAM_CREATING;
    set_token(stream, NULL);
    if (provision_start(&stream->provision) < 0) {
        stream->state = STREAM_WAITING;
        fail_locally(stream, -ENOMEM);
    }
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct stream *stream = call->owner;
    enum cwlogs_verdict verdict =
        cwlogs_judge(answer, stream->sending->count, &stream->rejected);

    stream->holding = verdict == CWLOGS_HOLD;
    figures_answered(stream->world->figures, answer, verdict != CWLOGS_TAKEN);
    switch (verdict) {
    case CWLOGS_TAKEN:
        set_token(stream, cwlogs_token(answer));
        if (!stream->last_success_ms && !stream->created)
            provision_retain(&stream->provision);
        stream->failures = 0;
        stream->created = false;
        stream->last_success_ms = clock_wall_ms();
        settle(stream);
        break;
    case CWLOGS_TOKEN:
        set_token(stream, cwlogs_token(answer));
        again(stream, answer);
        break;
    case CWLOGS_PLAIN:
        if (!stream->world->plain)
            log_notice("gzip_refused", log_text("code", answer->code),
                       log_text("next", "bodies are sent plain"), );
        stream->world->plain = true;
        again(stream, answer);
        break;
    case CWLOGS_CLOCK:
        again(stream, answer);
        break;
    case CWLOGS_MISSING:
        make_missing(stream, answer);
        break;
    case CWLOGS_AGAIN:
    case CWLOGS_HOLD:
        wait_after(stream, answer);
        break;
    }
}

/* The batch is with CloudWatch.  Its rejected entries are durable among the
 * dead letters before anybody hears that the batch is done with. */
static void
settle(struct stream *stream)
{
    struct batch *batch = stream->sending;
    const struct cwlogs_rejected *rejected = &stream->rejected;
    uint64_t dead = rejected->head + batch->count - rejected->tail;
    int r = 0;

    stream->state = STREAM_SETTLING;
    if (dead)
        r = rejected_bury(stream->world->dead, stream->world->dirfd, batch,
                          rejected, stream->name);
    if (r) {
        stream->failures++;
        fail(stream, "dead_letter",
             r == DEAD_LETTER_FULL ? "dead_max_size is reached: drop or retry "
                                     "dead letters"
                                   : strerror(-r),
             backoff_delay_ms(BACKOFF_THROTTLED_MS, stream->failures,
                              jitter_bits()));
        return;
    }
    stream->failures = 0;
    stream->state = STREAM_IDLE;
    stream->position = batch->next;
    stream->bytes += batch->bytes;
    figures_taken(stream->world->figures, batch->count, batch->bytes);
    batch_clear(batch);
    stream->world->figures->delivered += rejected->tail - rejected->head;
    stream->world->figures->dead += dead;
    stream->world->settled(stream->world->owner, stream,
                           rejected->tail - rejected->head, dead);
}

struct stream_report
stream_report(const struct stream *stream)
{
    const struct batch *oldest =
        stream->sending->count ? stream->sending : stream->gathering;

    return (struct stream_report){
        .state = stream->state,
        .holding = stream->holding,
        .failures = stream->failures,
        .next_retry_ms = stream->retry_at_ms,
        .last_success_ms = stream->last_success_ms,
        .last_error_ms = stream->last_error_ms,
        .oldest_ms = oldest->count ? oldest->first_ts : 0,
        .bytes = stream->bytes,
        .error_code = stream->error_code,
        .error_message = stream->error_message,
    };
}
