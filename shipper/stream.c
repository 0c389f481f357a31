#include "shipper/stream.h"

#include "common/checkpoint.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/batch.h"
#include "shipper/stream_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_AGE_MS = 10 * 60 * 1000,
    /* CloudWatch takes nothing from more than two hours ahead (API reference,
     * "PutLogEvents"). */
    LATEST_MS = 115 * 60 * 1000,
};

static void
free_stream(struct stream *stream)
{
    batch_free(stream->gathering);
    batch_free(stream->sending);
    batch_free(stream->part);
    suspects_clear(&stream->suspects);
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

void
stream_set_token(struct stream *stream, const char *token)
{
    char *copy = token ? strdup(token) : NULL;

    /* Without memory none is sent: a service that wants one says so. */
    free(stream->token);
    stream->token = copy;
}

void
stream_free_part(struct stream *stream)
{
    batch_free(stream->part);
    stream->part = NULL;
}

int
stream_new(struct stream **out, struct stream_world *world, const char *group,
           const char *name, const struct stream_past *past)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return -ENOMEM;
    stream->world = world;
    stream->group = strdup(group);
    stream->name = strdup(name);
    stream->position = past->position;
    if (past->in_flight)
        stream->left = *past->in_flight;
    if (world->settings->shipper.resolve_ambiguous) {
        stream->doubt_end = past->doubt_end;
        stream->doubt_until_us =
            clock_mono_us() + world->settings->shipper.resolve_wait * 1000;
        stream->look = past->look;
    }
    stream_set_token(stream, past->token);
    buf_init(&stream->packed, BATCH_BODY_MAX);
    if (!stream->group || !stream->name ||
        batch_new(&stream->gathering, group, name) < 0 ||
        batch_new(&stream->sending, group, name) < 0 ||
        lookup_new(&stream->lookup, world->loop, world->aws, stream->group,
                   stream->name, world->dirfd, stream_looked, stream) < 0) {
        free_stream(stream);
        return -ENOMEM;
    }

    stream->provision = (struct provision){
        .aws = world->aws,
        .group = stream->group,
        .stream = stream->name,
        .retention_days = world->settings->shipper.retention_days,
        .done = stream_provisioned,
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
    lookup_close(stream->lookup);
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

static uint64_t
count_pending(const struct stream *stream, const struct batch *batch)
{
    const struct stream_world *world = stream->world;

    if (!batch->count ||
        (world->buries &&
         !world->buries(world->owner, batch->entries[0].position.segment)))
        return 0;
    return batch->count;
}

uint64_t
stream_pending(const struct stream *stream)
{
    return count_pending(stream, stream->gathering) +
           count_pending(stream, stream->sending);
}

bool
stream_busy(const struct stream *stream)
{
    return stream->state != STREAM_IDLE;
}

bool
stream_is_same(const struct stream *a, const struct stream *b)
{
    return !strcmp(a->group, b->group) && !strcmp(a->name, b->name);
}

bool
stream_empty(const struct stream *stream)
{
    return stream->state == STREAM_IDLE && !stream->gathering->count;
}

bool
stream_in_flight(const struct stream *stream,
                 struct checkpoint_inflight *inflight)
{
    const struct batch *batch = stream->sending;
    struct spool_position settled =
        batch->count ? batch->next : stream->position;

    if (spool_position_compare(settled, stream->left.end) < 0) {
        *inflight = stream->left; /* and the batch is part of it */
        return true;
    }
    if (!batch->count)
        return false;
    *inflight = (struct checkpoint_inflight){
        .first = batch->entries[0].position,
        .end = batch->next,
        .count = batch->count,
        .first_ts = (uint64_t)batch->first_ts,
        .last_ts = (uint64_t)batch->last_ts,
    };
    (void)strcpy(inflight->last_id, batch->last_id);
    return true;
}

bool
stream_stuck(const struct stream *stream)
{
    return stream->state == STREAM_WAITING ||
           (stream->state == STREAM_LOOKING && stream->until_us) ||
           (stream->state == STREAM_SETTLING && stream->failures);
}

/* What may have been sent is not mixed with what cannot have been, nor one
 * file of retry/ with another, as they are counted differently. */
static bool
ends_batch(const struct stream *stream, struct spool_position position)
{
    const struct batch *batch = stream->gathering;
    struct spool_position first;

    if (!batch->count)
        return false;
    first = batch->entries[0].position;
    return (spool_position_compare(first, stream->doubt_end) < 0 &&
            spool_position_compare(position, stream->doubt_end) >= 0) ||
           (spool_is_retry(first.segment) && first.segment != position.segment);
}

void
stream_set_clock(struct stream_world *world)
{
    int64_t age_ms, offset_ms = aws_clock_offset_ms(world->aws, &age_ms);
    bool known = age_ms >= 0 && age_ms < CLOCK_AGE_MS;

    world->now_ms = known ? clock_wall_ms() + offset_ms : 0;
    world->latest_ms = known ? world->now_ms + LATEST_MS : 0;
}

/* A time that CloudWatch takes. */
static int64_t
time_of(struct stream *stream, int64_t ts)
{
    const struct stream_world *world = stream->world;
    bool ahead = world->latest_ms && ts > world->latest_ms;

    if (ahead && !stream->ahead)
        log_warning("entries_ahead", log_text("stream", stream->name),
                    log_int("ahead_ms", ts - world->now_ms),
                    log_text("next", "they were received while the clock was "
                                     "wrong: CloudWatch is told the present "
                                     "time"), );
    stream->ahead = ahead;
    return ahead ? world->now_ms : ts;
}

int
stream_offer(struct stream *stream, struct slice line, int64_t ts,
             struct spool_position position, struct spool_position next)
{
    int r;

    stream->closed_batch |= ends_batch(stream, position);
    if (stream->closed_batch)
        return STREAM_FULL;
    r = batch_add(stream->gathering, line, time_of(stream, ts), position, next);
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
    /* After a restart it may stand behind what is read again for others. */
    if (stream_empty(stream) &&
        spool_position_compare(position, stream->position) > 0)
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
    stream_send(stream);
}

bool
stream_say(struct stream *stream, struct slice line, int64_t ts)
{
    struct spool_position nowhere = {0};

    if (stream->state != STREAM_IDLE ||
        batch_new(&stream->part, stream->group, stream->name) < 0)
        return false;
    if (batch_add(stream->part, line, ts, nowhere, nowhere)) {
        stream_free_part(stream);
        return false;
    }
    stream->saying = true;
    stream->doubtful = false;
    stream_go_on(stream);
    return true;
}

struct stream_report
stream_report(const struct stream *stream)
{
    const struct batch *oldest =
        stream->sending->count ? stream->sending : stream->gathering;

    return (struct stream_report){
        .group = stream->group,
        .name = stream->name,
        .position = stream->position,
        .state = stream->state,
        .holding = stream->holding,
        .failures = stream->failures,
        .next_retry_ms = stream->retry_at_ms,
        .last_success_ms = stream->last_success_ms,
        .last_error_ms = stream->last_error_ms,
        .oldest_ms = oldest->count ? oldest->first_ts : 0,
        .error_code = stream->error_code,
        .error_message = stream->error_message,
    };
}

/* How much there is to worry about. */
static int
weight(const struct stream_report *report)
{
    static const int of[] = {
        [STREAM_IDLE] = 0,    [STREAM_CALLING] = 1,  [STREAM_CREATING] = 1,
        [STREAM_LOOKING] = 2, [STREAM_SETTLING] = 1, [STREAM_WAITING] = 3,
    };

    return (report->holding ? 8 : 0) + (report->failures ? 4 : 0) +
           of[report->state];
}

void
stream_report_add(struct stream_report *sum, const struct stream_report *one)
{
    if (weight(one) > weight(sum)) {
        sum->state = one->state;
        sum->holding = one->holding;
        sum->failures = one->failures;
    }
    if (one->next_retry_ms &&
        (!sum->next_retry_ms || one->next_retry_ms < sum->next_retry_ms))
        sum->next_retry_ms = one->next_retry_ms;
    if (one->last_success_ms > sum->last_success_ms)
        sum->last_success_ms = one->last_success_ms;
    if (one->last_error_ms > sum->last_error_ms) {
        sum->last_error_ms = one->last_error_ms;
        sum->error_code = one->error_code;
        sum->error_message = one->error_message;
    }
    if (one->oldest_ms && (!sum->oldest_ms || one->oldest_ms < sum->oldest_ms))
        sum->oldest_ms = one->oldest_ms;
}
