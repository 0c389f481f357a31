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

static void settle(struct stream *stream);
static void on_answer(struct aws_call *call, const struct aws_answer *answer);

static void
on_retry(uv_timer_t *timer)
{
    struct stream *stream = timer->data;

    stream->retry_at_ms = 0;
    if (stream->state == STREAM_SETTLING)
        settle(stream);
    else
        stream_go_on(stream);
}

static void
retry_in(struct stream *stream, int64_t delay_ms)
{
    stream->retry_at_ms = clock_wall_ms() + delay_ms;
    (void)uv_timer_start(&stream->retry, on_retry, (uint64_t)delay_ms, 0);
}

static void
note_error(struct stream *stream, const char *code, const char *message)
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
    note_error(stream, code, message);
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

/* What can be sent again at once is, but not twice in a row. */
static void
again(struct stream *stream, const struct aws_answer *answer)
{
    if (stream->failures) {
        stream_wait_after(stream, answer);
        return;
    }
    stream->failures = 1;
    stream->state = STREAM_WAITING;
    log_info("ship_again", log_text("stream", stream->name),
             log_text("code", answer->code), );
    retry_in(stream, 0);
}

/* What is on the wire, or about to be. */
static struct batch *
wire(const struct stream *stream)
{
    return stream->part ? stream->part : stream->sending;
}

/* Return: the body to send, and whether it is compressed. */
static int
encode(struct stream *stream, struct slice *body, bool *gzipped)
{
    struct stream_world *world = stream->world;
    struct buf *plain = &wire(stream)->body;
    int r;

    r = batch_finish(wire(stream), stream->token);
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
look_up(struct stream *stream)
{
    int r = lookup_start(stream->lookup, wire(stream), stream->until_us);

    stream->state = r ? STREAM_WAITING : STREAM_LOOKING;
    if (r)
        fail_locally(stream, r);
}

/* What is of unknown fate is looked up before it goes out again. */
void
stream_go_on(struct stream *stream)
{
    int r = stream_make_part(stream);

    if (r) {
        stream->state = STREAM_WAITING;
        fail_locally(stream, r);
    } else if (stream->doubtful) {
        look_up(stream);
    } else {
        send_batch(stream);
    }
}

void
stream_send(struct stream *stream)
{
    bool old = spool_position_compare(stream->sending->entries[0].position,
                                      stream->doubt_end) < 0;

    stream->doubtful = old || stream->look;
    stream->until_us = old ? stream->doubt_until_us : 0;
    stream_go_on(stream);
}

static void
wait_for_it(struct stream *stream)
{
    stream->doubtful = true;
    stream->until_us =
        clock_mono_us() + stream->world->settings->shipper.resolve_wait * 1000;
    stream_go_on(stream);
}

/* No answer tells what became of the call. */
static void
doubt(struct stream *stream, const struct aws_answer *answer)
{
    stream->failures++;
    note_error(stream, answer->code, answer->message);
    log_warning("ship_unknown", log_text("stream", stream->name),
                log_text("code", answer->code),
                log_text("message", answer->message),
                log_int("entries", (int64_t)wire(stream)->count),
                log_text("next", "CloudWatch is asked for it"), );
    wait_for_it(stream);
}

/* Entries that were seen are done. */
static void
set_aside_seen(struct stream *stream)
{
    struct sift_range range = stream_part_range(stream);
    struct batch *whole = stream->sending;
    size_t index = 0;

    for (size_t i = range.from; i < range.to; i++) {
        struct batch_entry *entry = &whole->entries[i];

        if (entry->done)
            continue;
        entry->done = lookup_saw(stream->lookup, index++);
        stream->delivered += entry->done;
    }
    stream_free_part(stream);
}

static void
note_looked(struct stream *stream, enum lookup_end end)
{
    static const char *const found[] = {
        [LOOKUP_ALL] = "all",
        [LOOKUP_SOME] = "some",
        [LOOKUP_NONE] = "none",
        [LOOKUP_FORBIDDEN] = "unknown",
    };
    bool again = stream->until_us != 0;

    if (end == LOOKUP_FORBIDDEN && !stream->world->blind) {
        stream->world->blind = true;
        log_warning("lookup_forbidden", log_text("stream", stream->name),
                    log_text("next", "batches of unknown fate are sent again; "
                                     "allow logs:GetLogEvents"), );
    }
    if (!again && end == LOOKUP_NONE)
        return; /* as nearly always after a start */
    stream->world->figures->ambiguous[end]++;
    log_notice("ship_looked_up", log_text("stream", stream->name),
               log_int("entries", (int64_t)wire(stream)->count),
               log_text("found", found[end]), );
}

/* Which proves nothing: it is looked again, however long that takes. */
static void
look_failed(struct stream *stream, const struct aws_answer *answer)
{
    stream->state = STREAM_WAITING;
    if (!answer)
        fail_locally(stream, -ENOMEM);
    else if (answer->advice == AWS_CLOCK)
        again(stream, answer);
    else
        stream_wait_after(stream, answer);
}

void
stream_looked(void *owner, enum lookup_end end, const struct aws_answer *answer)
{
    struct stream *stream = owner;
    size_t count = wire(stream)->count;

    if (end == LOOKUP_FAILED) {
        look_failed(stream, answer);
        return;
    }
    note_looked(stream, end);
    if (end == LOOKUP_SOME && !stream->until_us) {
        wait_for_it(stream); /* the rest may show late */
        return;
    }
    if (end == LOOKUP_NONE || end == LOOKUP_FORBIDDEN) {
        stream->look = false;
        stream->doubt_end = (struct spool_position){0};
    }
    if (end != LOOKUP_FORBIDDEN)
        stream->failures = 0; /* the service is there */
    stream->doubtful = false;
    stream->rejected = (struct cwlogs_rejected){.tail = count};
    if (end == LOOKUP_ALL) {
        settle(stream);
        return;
    }
    if (end == LOOKUP_SOME)
        set_aside_seen(stream);
    if (end == LOOKUP_FORBIDDEN && stream->failures) {
        stream->state = STREAM_WAITING;
        fail_locally(stream, -EACCES);
        return;
    }
    /* What is missing has had its time. */
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
        fail_locally(stream, -ENOMEM);
    }
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct stream *stream = call->owner;
    enum cwlogs_verdict verdict =
        cwlogs_judge(answer, wire(stream)->count, &stream->rejected);

    stream->holding = verdict == CWLOGS_HOLD;
    figures_answered(stream->world->figures, answer, verdict != CWLOGS_TAKEN);
    if (answer->outcome == AWS_UNKNOWN && !stream->probing &&
        stream->world->settings->shipper.resolve_ambiguous) {
        doubt(stream, answer);
        return;
    }
    switch (verdict) {
    case CWLOGS_TAKEN:
        stream_set_token(stream, cwlogs_token(answer));
        if (!stream->last_success_ms && !stream->created)
            provision_retain(&stream->provision);
        stream->failures = 0;
        stream->created = false;
        stream->last_success_ms = clock_wall_ms();
        settle(stream);
        break;
    case CWLOGS_TOKEN:
        stream_set_token(stream, cwlogs_token(answer));
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
    case CWLOGS_POISON:
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
bury(struct stream *stream, uint64_t accepted, uint64_t dead)
{
    struct stream_world *world = stream->world;
    int r = 0;

    if (dead)
        r = rejected_bury(world->dead, world->dirfd, wire(stream),
                          &stream->rejected, stream->name);
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
    stream->bytes += batch->bytes;
    figures_taken(figures, batch->count, batch->bytes);
    figures->delivered += delivered;
    figures->dead += dead;
    batch_clear(batch);
    stream_free_part(stream);
    stream->delivered = stream->dead = 0;
    stream->sifting = false;
    stream->world->settled(stream->world->owner, stream, delivered, dead);
}

/* The wire is with CloudWatch.  Its rejected entries are durable among the
 * dead letters before anybody hears that the batch is done with. */
static void
settle(struct stream *stream)
{
    const struct cwlogs_rejected *rejected = &stream->rejected;
    uint64_t accepted = rejected->tail - rejected->head;
    uint64_t dead = stream->probing ? 0 : wire(stream)->count - accepted;
    int r;

    if (stream->probing && !accepted) { /* of another time: proves nothing */
        stream->state = STREAM_WAITING;
        stream_free_part(stream);
        fail_locally(stream, -ETIME);
        return;
    }
    stream->state = STREAM_SETTLING;
    r = bury(stream, accepted, dead);
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
    if (stream_taken(stream, accepted, dead))
        stream_go_on(stream);
    else
        finish(stream);
}
