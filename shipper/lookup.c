#include "shipper/lookup.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/line.h"
#include "shipper/aws.h"
#include "shipper/batch.h"
#include "shipper/cwlogs.h"
#include "shipper/entry_source.h"
#include "shipper/witness.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 16 * 1024,
    PAGES_MAX = 1000, /* of a look; one writer's batch is two or three */
    PAUSE_MS = 500,   /* before the second look; then twice as long each time */
    PAUSE_MAX_MS = 16 * 1000,
    TRIES_MAX = 6, /* of a page, before the look begins anew */
    TRY_MS = 50,   /* after the first; then twice as long each time */
    AHEAD_MS = 60 * 60 * 1000,
    DAY_MS = 24 * AHEAD_MS,
};

struct lookup {
    struct aws *aws;
    const char *group, *stream;
    int dirfd;
    void (*done)(void *owner, enum lookup_end end,
                 const struct aws_answer *answer);
    void *owner;

    struct witness *witness;    /* NULL: none is under way */
    size_t count;               /* entries that are sought */
    int64_t first_ts, last_ts;  /* that CloudWatch may have been told */
    int64_t latest_ts;          /* of the lines themselves */
    int64_t until_us, began_us; /* of all looks; of this one */
    int64_t pause_ms;
    unsigned pages;
    unsigned tries; /* of this page that failed */
    char *token;    /* of the next page */
    struct buf body;
    struct aws_call call;
    bool calling;
    uv_timer_t timer;
};

static void on_page(struct aws_call *call, const struct aws_answer *answer);

int
lookup_new(struct lookup **created, uv_loop_t *loop, struct aws *aws,
           const char *group, const char *stream, int dirfd,
           void (*done)(void *owner, enum lookup_end end,
                        const struct aws_answer *answer),
           void *owner)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (!lookup)
        return -ENOMEM;
    lookup->aws = aws;
    lookup->group = group;
    lookup->stream = stream;
    lookup->dirfd = dirfd;
    lookup->done = done;
    lookup->owner = owner;
    buf_init(&lookup->body, BODY_MAX);
    (void)uv_timer_init(loop, &lookup->timer); /* cannot fail */
    lookup->timer.data = lookup;
    *created = lookup;
    return 0;
}

static void
set_token(struct lookup *lookup, const char *token)
{
    free(lookup->token);
    lookup->token = token ? strdup(token) : NULL;
}

static void
forget(struct lookup *lookup)
{
    witness_free(lookup->witness);
    lookup->witness = NULL;
    set_token(lookup, NULL);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    struct lookup *lookup = handle->data;

    forget(lookup);
    buf_deinit(&lookup->body);
    free(lookup);
}

void
lookup_close(struct lookup *lookup)
{
    if (!lookup)
        return;
    if (lookup->calling)
        aws_call_cancel(&lookup->call);
    uv_close((uv_handle_t *)&lookup->timer, on_timer_closed);
}

bool
lookup_saw(const struct lookup *lookup, size_t index)
{
    return witness_saw(lookup->witness, index);
}

/* done() may start the next one, so what is over is put away by hand; or close
 * this one, which is freed by a later turn of the loop. */
static void
finish(struct lookup *lookup, enum lookup_end end,
       const struct aws_answer *answer)
{
    struct witness *witness = lookup->witness;

    lookup->done(lookup->owner, end, answer);
    if (lookup->witness == witness)
        forget(lookup);
    else
        witness_free(witness);
}

static void look(uv_timer_t *timer);
static void ask_again(uv_timer_t *timer);

static void
look_in(struct lookup *lookup, int64_t delay_ms)
{
    (void)uv_timer_start(&lookup->timer, look, (uint64_t)delay_ms, 0);
}

static void
ask_page(struct lookup *lookup)
{
    int r =
        cwlogs_get_events(&lookup->body, lookup->group, lookup->stream,
                          lookup->first_ts, lookup->last_ts + 1, lookup->token);

    lookup->call = (struct aws_call){
        .service = CWLOGS_SERVICE,
        .limited = true,
        .target = CWLOGS_GET_EVENTS,
        .body = {lookup->body.data, lookup->body.len},
        .done = on_page,
        .owner = lookup,
    };
    if (!r)
        r = aws_call_start(lookup->aws, &lookup->call);
    lookup->calling = !r;
    if (r)
        finish(lookup, LOOKUP_FAILED, NULL);
}

static void
ask_again(uv_timer_t *timer)
{
    ask_page(timer->data);
}

static void
look(uv_timer_t *timer)
{
    struct lookup *lookup = timer->data;

    lookup->tries = 0;
    witness_look(lookup->witness);
    lookup->began_us = clock_mono_us();
    lookup->pages = 0;
    set_token(lookup, NULL);
    ask_page(lookup);
}

static void
end_look(struct lookup *lookup)
{
    int64_t left_ms = (lookup->until_us - clock_mono_us()) / 1000 + 1;
    size_t seen = witness_count(lookup->witness);

    if (seen == lookup->count || lookup->began_us >= lookup->until_us) {
        finish(lookup,
               seen == lookup->count ? LOOKUP_ALL
               : seen                ? LOOKUP_SOME
                                     : LOOKUP_NONE,
               NULL);
        return;
    }
    if (left_ms < 0)
        left_ms = 0;
    look_in(lookup, lookup->pause_ms < left_ms ? lookup->pause_ms : left_ms);
    lookup->pause_ms *= 2;
    if (lookup->pause_ms > PAUSE_MAX_MS)
        lookup->pause_ms = PAUSE_MAX_MS;
}

/* By the time in the line: CloudWatch may have been told another one. */
static void
see(struct lookup *lookup, int64_t ts, struct slice message)
{
    if (message.len >= LINE_MIN - 1)
        ts = line_ts(message.data);
    witness_see(lookup->witness, ts, message);
}

static void
see_events(struct lookup *lookup, const cJSON *body)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(body, "events");
    const cJSON *event;

    cJSON_ArrayForEach(event, events)
    {
        const char *message = json_get_string(event, "message");
        uint64_t ts;

        if (message && json_get_uint(event, "timestamp", &ts))
            see(lookup, (int64_t)ts, (struct slice){message, strlen(message)});
    }
}

/* Return: whether nothing will ever be learnt by asking.  A wrong clock is
 * refused in the same words. */
static bool
is_forbidden(const struct aws_answer *answer)
{
    return (!strcmp(answer->code, "AccessDeniedException") &&
            answer->advice != AWS_CLOCK) ||
           !strcmp(answer->code, "UnknownOperationException");
}

/* The pages before it need not be asked for again. */
static bool
try_again(struct lookup *lookup, const struct aws_answer *answer)
{
    bool passing =
        answer->advice == AWS_RETRY || answer->advice == AWS_SLOW_DOWN;

    if (!passing || ++lookup->tries >= TRIES_MAX)
        return false;
    (void)uv_timer_start(&lookup->timer, ask_again,
                         (uint64_t)TRY_MS << lookup->tries, 0);
    return true;
}

static void
on_page(struct aws_call *call, const struct aws_answer *answer)
{
    struct lookup *lookup = call->owner;
    const char *next;

    lookup->calling = false;
    if (!strcmp(answer->code, "ResourceNotFoundException")) {
        witness_look(lookup->witness);
        finish(lookup, LOOKUP_NONE, NULL);
        return;
    }
    if (answer->outcome != AWS_OK) {
        if (!is_forbidden(answer) && try_again(lookup, answer))
            return;
        finish(lookup, is_forbidden(answer) ? LOOKUP_FORBIDDEN : LOOKUP_FAILED,
               answer);
        return;
    }

    lookup->tries = 0;
    see_events(lookup, answer->body);
    next = json_get_string(answer->body, "nextForwardToken");
    /* The end is where the token repeats; pages before it may be empty. */
    if (!next || (lookup->token && !strcmp(next, lookup->token)) ||
        witness_count(lookup->witness) == lookup->count) {
        end_look(lookup);
        return;
    }
    set_token(lookup, next);
    if (++lookup->pages < PAGES_MAX && lookup->token)
        ask_page(lookup);
    else
        finish(lookup, LOOKUP_FAILED, NULL);
}

static int
seek_entries(struct lookup *lookup, const struct batch *batch)
{
    struct entry_source source;
    int r = 0;

    entry_source_init(&source, lookup->dirfd);
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct slice line;

        r = entry_source_read(&source, entry->position, entry->len, &line);
        if (r)
            break;
        witness_seek(lookup->witness, line_ts(line.data), line);
        if (line_ts(line.data) > lookup->latest_ts)
            lookup->latest_ts = line_ts(line.data);
    }
    entry_source_deinit(&source);
    return r;
}

/* What was received under a wrong clock was sent with the time of then, which
 * is not the one that the batch would tell now. */
static void
set_span(struct lookup *lookup, const struct batch *batch)
{
    int64_t age_ms,
        now_ms = clock_wall_ms() + aws_clock_offset_ms(lookup->aws, &age_ms);

    lookup->first_ts = batch->first_ts;
    lookup->last_ts = batch->last_ts;
    if (lookup->latest_ts <= now_ms + AHEAD_MS)
        return;
    if (now_ms - DAY_MS < lookup->first_ts)
        lookup->first_ts = now_ms - DAY_MS;
    if (lookup->latest_ts > lookup->last_ts)
        lookup->last_ts = lookup->latest_ts;
}

int
lookup_start(struct lookup *lookup, const struct batch *batch, int64_t until_us)
{
    int r;

    set_token(lookup, NULL);
    lookup->witness = witness_new(batch->count);
    if (!lookup->witness)
        return -ENOMEM;
    lookup->latest_ts = 0;
    r = seek_entries(lookup, batch);
    if (r) {
        witness_free(lookup->witness);
        lookup->witness = NULL;
        return r;
    }
    lookup->count = batch->count;
    set_span(lookup, batch);
    lookup->until_us = until_us;
    lookup->pause_ms = PAUSE_MS;
    look_in(lookup, 0);
    return 0;
}
