#include "shipper/stream_inner.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/gzip.h"
#include "common/jitter.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/batch.h"
#include "shipper/dead_letter.h"
#include "shipper/figures.h"
#include "shipper/rejected.h"
#include "shipper/suspects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void end_saying(struct stream *stream, bool taken);
static void on_answer(struct aws_call *call, const struct aws_answer *answer);

static void
on_retry(uv_timer_t *timer)
{
    struct stream *stream = timer->data;

    stream->retry_at_ms = 0;
    if (stream->saying)
        end_saying(stream, false);
    else if (stream->state == STREAM_SETTLING)
        stream_settle(stream);
    else
        stream_go_on(stream);
}

/* What is on the wire, or about to be. */
struct batch *
stream_wire(const struct stream *stream)
{
    return stream->part ? stream->part : stream->sending;
}

static void
retry_in(struct stream *stream, int64_t delay_ms)
{
    stream->retry_at_ms = clock_wall_ms() + delay_ms;
    (void)uv_timer_start(&stream->retry, on_retry, (uint64_t)delay_ms, 0);
}

void
stream_note_error(struct stream *stream, const char *code, const char *message)
{
    stream->last_error_ms = clock_wall_ms();
    (void)snprintf(stream->error_code, ERROR_CODE_SIZE, "%s", code);
    (void)snprintf(stream->error_message, ERROR_MESSAGE_SIZE, "%s", message);
}

/* A failure is told here, once, with what happens next. */
static void
fail(struct stream *stream, const char *code, const char *message,
     int64_t delay_ms)
{
    stream_note_error(stream, code, message);
    log_write(stream->holding ? LOG_ERROR : LOG_WARNING,
              stream->holding ? "ship_holds" : "ship_failed",
              (const struct log_field[]){
                  log_text("stream", stream->name),
                  log_text("code", code),
                  log_text("message", message),
                  log_int("entries", (int64_t)stream_wire(stream)->count),
                  log_int("try", stream->failures),
                  log_int("next_ms", delay_ms),
                  {0, 0, 0}});
    retry_in(stream, delay_ms);
}

void
stream_fail_locally(struct stream *stream, int error)
{
    stream->failures++;
    fail(stream, "local", strerror(-error),
         backoff_delay_ms(BACKOFF_BASE_MS, stream->failures, jitter_bits()));
}

void
stream_wait_after(struct stream *stream, const struct aws_answer *answer)
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

static void
on_again(uv_timer_t *timer)
{
    stream_go_on(timer->data);
}

/* What can be sent again at once is, but not twice in a row. */
void
stream_again(struct stream *stream, const struct aws_answer *answer)
{
    bool clock = answer->advice == AWS_CLOCK && !stream->corrected;

    if (stream->failures && !clock) {
        stream_wait_after(stream, answer);
        return;
    }
    stream->corrected |= clock;
    stream->failures = 1;
    stream->state = STREAM_WAITING;
    log_info("ship_again", log_text("stream", stream->name),
             log_text("code", answer->code), );
    /* What is said is not given up for that. */
    (void)uv_timer_start(&stream->retry, on_again, 0, 0);
}

/* Return: the body to send, and whether it is compressed. */
static int
encode(struct stream *stream, struct slice *body, bool *gzipped)
{
    struct stream_world *world = stream->world;
    struct buf *plain = &stream_wire(stream)->body;
    int r;

    r = batch_finish(stream_wire(stream), stream->token);
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

    stream->world->sending(stream->world->owner, stream);
    r = encode(stream, &body, &gzipped);
    if (!r) {
        stream->call = (struct aws_call){
            .service = CWLOGS_SERVICE,
            .limited = true,
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
        stream_fail_locally(stream, r);
}

/* What is of unknown fate is looked up before it goes out again. */
void
stream_go_on(struct stream *stream)
{
    int r = stream_make_part(stream);

    if (r) {
        stream->state = STREAM_WAITING;
        stream_fail_locally(stream, r);
    } else if (stream->doubtful) {
        stream_look_up(stream);
    } else {
        send_batch(stream);
    }
}

void
stream_send(struct stream *stream)
{
    bool old = spool_position_compare(stream->sending->entries[0].position,
                                      stream->doubt_end) < 0;

    stream->unseen = false;
    stream->doubtful = old || stream->look;
    stream->until_us = old ? stream->doubt_until_us : 0;
    stream_go_on(stream);
}

void
stream_provisioned(struct provision *provision, const struct aws_answer *answer)
{
    struct stream *stream =
        (struct stream *)((char *)provision -
                          offsetof(struct stream, provision));

    if (cwlogs_made(answer))
        stream_go_on(stream);
    else
        stream_wait_after(stream, answer);
}

static void
make_missing(struct stream *stream, const struct aws_answer *answer)
{
    stream->holding = !stream->world->settings->shipper.create;
    /* Made just now, and still missing: not again at once. */
    if (stream->holding || stream->created ||
        provision_busy(&stream->provision)) {
        stream->created = false;
        stream_wait_after(stream, answer);
        return;
    }
    stream->created = true;
    stream->state = STREAM_CREATING;
    stream_set_token(stream, NULL);
    if (provision_start(&stream->provision) < 0) {
        stream->state = STREAM_WAITING;
        stream_fail_locally(stream, -ENOMEM);
    }
}

static void
taken(struct stream *stream, const struct aws_answer *answer)
{
    /* None of it was there, and now it is: what comes behind it cannot
     * have been sent.  A batch of dead letters alone tells nothing. */
    if (stream->unseen && !stream->probing && !stream->saying &&
        stream->rejected.tail > stream->rejected.head)
        stream_look_no_further(stream);
    stream_set_token(stream, cwlogs_token(answer));
    if (!stream->last_success_ms && !stream->created)
        provision_retain(&stream->provision);
    stream->failures = 0;
    stream->created = stream->corrected = false;
    stream->last_success_ms = clock_wall_ms();
    stream->world->figures->last_success_ms = stream->last_success_ms;
    stream_settle(stream);
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct stream *stream = call->owner;
    enum cwlogs_verdict verdict =
        cwlogs_judge(answer, stream_wire(stream)->count, &stream->rejected);

    stream->holding = verdict == CWLOGS_HOLD;
    figures_answered(stream->world->figures, answer, verdict != CWLOGS_TAKEN);
    if (answer->outcome == AWS_UNKNOWN && stream->saying) {
        end_saying(stream, false);
        return;
    }
    if (answer->outcome == AWS_UNKNOWN && !stream->probing &&
        stream->world->settings->shipper.resolve_ambiguous) {
        stream_doubt(stream, answer);
        return;
    }
    switch (verdict) {
    case CWLOGS_TAKEN:
        taken(stream, answer);
        break;
    case CWLOGS_TOKEN:
        stream_set_token(stream, cwlogs_token(answer));
        stream_again(stream, answer);
        break;
    case CWLOGS_PLAIN:
        if (!stream->world->plain)
            log_notice("gzip_refused", log_text("code", answer->code),
                       log_text("next", "bodies are sent plain"), );
        stream->world->plain = true;
        stream_again(stream, answer);
        break;
    case CWLOGS_CLOCK:
        stream_again(stream, answer);
        break;
    case CWLOGS_MISSING:
        make_missing(stream, answer);
        break;
    case CWLOGS_POISON:
        if (stream->saying)
            end_saying(stream, false);
        else
            stream_refused(stream, answer);
        break;
    case CWLOGS_AGAIN:
    case CWLOGS_HOLD:
        stream_wait_after(stream, answer);
        break;
    }
}

/* The letters of what was not taken, and of whom that convicts. */
static int
bury(struct stream *stream, const struct cwlogs_rejected *rejected,
     uint64_t accepted, uint64_t dead)
{
    struct stream_world *world = stream->world;
    uint64_t segment = stream->sending->entries[0].position.segment;
    int r = 0;

    if (world->buries && !world->buries(world->owner, segment))
        return 0;
    if (dead)
        r = rejected_bury(world->dead, world->dirfd, stream_wire(stream),
                          rejected, stream->name);
    if (!r && accepted && stream->suspects.count)
        r = suspects_bury(&stream->suspects, world->dead, world->dirfd,
                          stream->sending);
    return r;
}

static void
finish(struct stream *stream)
{
    struct batch *batch = stream->sending;
    struct figures *figures = stream->world->figures;
    uint64_t delivered = stream->delivered, dead = stream->dead;

    stream->state = STREAM_IDLE;
    stream->position = batch->next;
    figures->taken_bytes += batch->bytes;
    figures_taken(figures, batch->count, batch->bytes);
    figures->delivered += delivered;
    figures->dead += dead;
    batch_clear(batch);
    stream_free_part(stream);
    stream->delivered = stream->dead = 0;
    stream->sifting = stream->moved = false;
    stream->world->settled(stream->world->owner, stream, delivered, dead);
}

/* Of the wire, the last ones were refused as too new, and are by the service's
 * own clock.  Return: how many. */
static uint64_t
count_ahead(const struct stream *stream)
{
    struct stream_world *world = stream->world;
    const struct batch *batch = stream_wire(stream);
    size_t tail = stream->rejected.tail;

    stream_set_clock(world); /* the answer had the Date */
    if (stream->sifting || stream->saying || !world->latest_ms ||
        tail >= batch->count || batch->entries[tail].ts <= world->latest_ms)
        return 0;
    return batch->count - tail;
}

/* They go out once more, with the present time. */
static void
move_rest(struct stream *stream, uint64_t accepted, uint64_t dead)
{
    struct batch *whole = stream->sending;
    size_t index = 0;

    for (size_t i = 0; i < whole->count; i++) {
        struct batch_entry *entry = &whole->entries[i];

        if (entry->done)
            continue;
        if (index++ < stream->rejected.tail)
            entry->done = true;
        else
            entry->ts = stream->world->now_ms;
    }
    stream->delivered += accepted;
    stream->dead += dead;
    stream->moved = true;
    stream_free_part(stream);
    stream_go_on(stream);
}

/* An entry of our own is with CloudWatch, or not worth another try. */
static void
end_saying(struct stream *stream, bool taken)
{
    stream->saying = false;
    stream->state = STREAM_IDLE;
    stream_free_part(stream);
    stream->world->said(stream->world->owner, stream, taken);
}

/* The wire is with CloudWatch.  Its rejected entries are durable among the
 * dead letters before anybody hears that the batch is done with. */
void
stream_settle(struct stream *stream)
{
    struct cwlogs_rejected rejected = stream->rejected;
    uint64_t accepted = rejected.tail - rejected.head;
    uint64_t later = count_ahead(stream);
    uint64_t dead =
        stream->probing ? 0 : stream_wire(stream)->count - accepted - later;
    int r;

    if (stream->saying) {
        end_saying(stream, accepted > 0);
        return;
    }
    if (stream->probing && !accepted) { /* of another time: proves nothing */
        stream->state = STREAM_WAITING;
        stream_free_part(stream);
        stream_fail_locally(stream, -ETIME);
        return;
    }
    stream->state = STREAM_SETTLING;
    if (later)
        rejected.tail = stream_wire(stream)->count;
    r = bury(stream, &rejected, accepted, dead);
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
    if (later)
        move_rest(stream, accepted, dead);
    else if (stream_taken(stream, accepted, dead))
        stream_go_on(stream);
    else
        finish(stream);
}
