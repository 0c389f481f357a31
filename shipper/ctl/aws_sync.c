#include "shipper/ctl/aws_sync.h"

#include "common/backoff.h"
#include "common/buf.h"
#include "common/jitter.h"
#include "common/json.h"
#include "common/log.h"
#include "shipper/cloud.h"
#include "shipper/creds.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"
#include "shipper/cwlogs.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    TRIES = 4,
    TRIES_THROTTLED = 8,
    FETCH_LOOK_MS = 100, /* at credentials that are being fetched */
    TARGET_SIZE = 96,
    SIGNALS = 2,
};

struct aws_sync {
    uv_loop_t loop;
    struct cloud cloud;
    uv_timer_t timer;
    uv_signal_t signals[SIGNALS];
    int interrupted;

    struct aws_call call;
    bool done; /* the call, or the wait */
    enum aws_outcome outcome;
    enum aws_advice advice;
    int64_t hint_ms, retry_after_ms;
    char code[128];
    char *message;
    cJSON *body;
    bool secret; /* so is the body */

    struct object_head head;
    enum object_fate fate;
};

static void
on_signal(uv_signal_t *handle, int number)
{
    struct aws_sync *sync = handle->data;

    sync->interrupted = number;
    for (int i = 0; i < SIGNALS; i++)
        (void)uv_signal_stop(&sync->signals[i]);
}

static void
on_time(uv_timer_t *timer)
{
    struct aws_sync *sync = timer->data;

    sync->done = true;
}

static int
open_loop(struct aws_sync *sync)
{
    int r = uv_loop_init(&sync->loop);

    if (r)
        return r;
    (void)uv_timer_init(&sync->loop, &sync->timer); /* cannot fail */
    sync->timer.data = sync;
    for (int i = 0; i < SIGNALS && !r; i++) {
        r = uv_signal_init(&sync->loop, &sync->signals[i]);
        sync->signals[i].data = sync;
    }
    return r;
}

int
aws_sync_open(struct aws_sync **opened, struct ctl *ctl)
{
    struct aws_sync *sync;
    int r;

    log_mute(); /* what is wrong is told by aws_sync_ask() */
    aws_check(&ctl->settings);
    if (ctl->settings.errors)
        return CTL_CONFIG;
    sync = calloc(1, sizeof(*sync));
    r = sync ? open_loop(sync) : -ENOMEM;
    if (!r)
        r = cloud_open(&sync->cloud, &sync->loop, &ctl->settings);
    if (r) /* the process ends: what is half open ends with it */
        return ctl_fail(ctl, "the way to AWS cannot be opened", r);
    *opened = sync;
    return CTL_OK;
}

/* The last answer. */
static void
forget(struct aws_sync *sync)
{
    if (sync->secret && sync->body)
        json_wipe(sync->body);
    cJSON_Delete(sync->body);
    free(sync->message);
    sync->body = NULL;
    sync->message = NULL;
}

void
aws_sync_close(struct aws_sync *sync)
{
    void (*before)(int);

    if (!sync)
        return;
    cloud_close(&sync->cloud);
    uv_close((uv_handle_t *)&sync->timer, NULL);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&sync->signals[i], NULL);
    before = signal(SIGPIPE, SIG_IGN); /* TLS says good-bye */
    (void)uv_run(&sync->loop, UV_RUN_DEFAULT);
    (void)signal(SIGPIPE, before);
    (void)uv_loop_close(&sync->loop);
    forget(sync);
    free(sync);
}

void
aws_sync_catch(struct aws_sync *sync)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM};

    for (int i = 0; i < SIGNALS; i++)
        (void)uv_signal_start(&sync->signals[i], on_signal, numbers[i]);
}

int
aws_sync_interrupted(const struct aws_sync *sync)
{
    return sync->interrupted;
}

/* A peer that is gone is an error to libcurl, and not our end. */
static void
run_until_done(struct aws_sync *sync, bool heed)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);

    while (!sync->done && !(heed && sync->interrupted))
        (void)uv_run(&sync->loop, UV_RUN_ONCE);
    (void)signal(SIGPIPE, before);
}

bool
aws_sync_wait(struct aws_sync *sync, int64_t ms)
{
    sync->done = false;
    (void)uv_timer_start(&sync->timer, on_time, (uint64_t)ms, 0);
    run_until_done(sync, true);
    (void)uv_timer_stop(&sync->timer);
    return !sync->interrupted;
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct aws_sync *sync = call->owner;

    sync->done = true;
    sync->outcome = answer->outcome;
    sync->advice = answer->advice;
    sync->hint_ms = answer->hint_ms;
    sync->retry_after_ms = answer->retry_after_ms;
    (void)snprintf(sync->code, sizeof(sync->code), "%s", answer->code);
    /* Behind the first line AWS may repeat the request, session token and
     * all. */
    sync->message = strndup(answer->message, strcspn(answer->message, "\r\n"));
    sync->body = answer->body ? cJSON_Duplicate(answer->body, true)
                              : cJSON_CreateObject();
}

/* One try.  Return: 0 or -ENOMEM. */
static int
try_once(struct aws_sync *sync, const struct aws_sync_call *call)
{
    const struct buf *body = call->body;
    int r;

    forget(sync);
    sync->done = false;
    sync->secret = call->secret;
    sync->call = (struct aws_call){
        .service = call->service,
        .target = call->target,
        .body = {body->data, body->len},
        .secret = call->secret,
        .done = on_answer,
        .owner = sync,
    };
    r = body->failed ? body->failed
                     : aws_call_start(sync->cloud.aws, &sync->call);
    if (!r)
        run_until_done(sync, false);
    return r || sync->body ? r : -ENOMEM;
}

/* Until whoever fetches the credentials is done; each look is a try. */
static bool
waits_for_credentials(struct aws_sync *sync)
{
    return !strcmp(sync->code, "NoCredentials") &&
           creds_fetching(sync->cloud.creds) &&
           aws_sync_wait(sync, FETCH_LOOK_MS);
}

/* Whether to try again after @tries of them; waits as long as that takes. */
static bool
wants_again(struct aws_sync *sync, unsigned tries)
{
    int64_t base = BACKOFF_BASE_MS, delay;
    unsigned most = TRIES;

    switch (sync->advice) {
    case AWS_RETRY:
        break;
    case AWS_SLOW_DOWN:
        base = BACKOFF_THROTTLED_MS;
        most = TRIES_THROTTLED;
        break;
    case AWS_CLOCK: /* it is corrected now */
        return tries < 3;
    case AWS_CREDENTIALS: /* they may have been renewed meanwhile */
        return tries < 2 && !strncmp(sync->code, "ExpiredToken", 12);
    case AWS_ENCODING:
    case AWS_JUDGE:
        return false;
    }
    delay = backoff_hinted_ms(backoff_delay_ms(base, tries, jitter_bits()),
                              sync->hint_ms, sync->retry_after_ms);
    return tries < most && aws_sync_wait(sync, delay);
}

static int
complain(const struct aws_sync *sync, const char *operation)
{
    bool reached = sync->outcome == AWS_REFUSED;

    fprintf(stderr, "clickspoolctl: CloudWatch %s %s: ",
            reached ? "refuses" : "cannot be asked for", operation);
    print_printable(stderr, sync->code);
    fputs(": ", stderr);
    print_printable(stderr, sync->message ? sync->message : "");
    fputc('\n', stderr);
    if (!strncmp(sync->code, "AccessDenied", 12))
        fprintf(stderr,
                "clickspoolctl: whoever calls needs the permission logs:%s\n",
                operation);
    return CTL_UNREACHABLE;
}

int
aws_sync_try(struct aws_sync *sync, const struct aws_sync_call *call,
             struct aws_sync_answer *answer)
{
    unsigned tries = 0;
    int r;

    do {
        r = try_once(sync, call);
        while (!r && sync->outcome != AWS_OK && waits_for_credentials(sync))
            r = try_once(sync, call);
    } while (!r && sync->outcome != AWS_OK && wants_again(sync, ++tries));
    *answer = (struct aws_sync_answer){
        .outcome = sync->outcome,
        .code = sync->code,
        .message = sync->message ? sync->message : "",
        .body = sync->body,
    };
    return r;
}

int
aws_sync_ask(struct aws_sync *sync, const char *operation,
             const struct buf *body, const struct cJSON **answer)
{
    struct aws_sync_answer given;
    char target[TARGET_SIZE];
    int r;

    (void)snprintf(target, sizeof(target), "Logs_20140328.%s", operation);
    r = aws_sync_try(sync,
                     &(struct aws_sync_call){
                         .service = CWLOGS_SERVICE,
                         .target = target,
                         .body = body,
                     },
                     &given);
    if (r) {
        fprintf(stderr, "clickspoolctl: %s: %s\n", operation, strerror(-r));
        return CTL_UNREACHABLE;
    }
    *answer = given.body;
    if (given.outcome == AWS_OK)
        return CTL_OK;
    if (!strcmp(given.code, "ResourceNotFoundException"))
        return AWS_SYNC_MISSING;
    return complain(sync, operation);
}

static void
on_head(struct object_head *head, const struct object_answer *answer)
{
    struct aws_sync *sync = head->owner;

    sync->done = true;
    sync->fate = answer->fate;
    sync->message = strdup(answer->why);
}

enum object_fate
aws_sync_head(struct aws_sync *sync, const char *bucket, const char *key,
              const char **why)
{
    forget(sync);
    sync->done = false;
    sync->head = (struct object_head){
        .bucket = bucket,
        .key = key,
        .done = on_head,
        .owner = sync,
    };
    sync->fate = object_head_start(&sync->head, &sync->cloud, why);
    if (sync->fate != OBJECT_FOUND)
        return sync->fate;
    run_until_done(sync, false);
    *why = sync->message ? sync->message : "";
    return sync->fate;
}
