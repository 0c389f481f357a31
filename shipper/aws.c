#include "shipper/aws.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/settings.h"
#include "shipper/aws_clock.h"
#include "shipper/aws_error.h"
#include "shipper/aws_sign.h"
#include "shipper/creds.h"
#include "shipper/endpoint.h"
#include "shipper/http.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/x-amz-json-1.1"

enum {
    URL_MAX = ENDPOINT_HOST_MAX + 16,
    SECRET_ANSWER_MAX = 512 * 1024, /* 64 KiB, each byte escaped */
    WHY_MAX = 512,
    US_PER_MS = 1000,
};

struct aws {
    const struct settings *settings;
    struct http *http;
    struct creds *creds;
    struct aws_clock clock;
    uv_timer_t soon; /* for calls that end before anything is sent */
    struct request *unsent;
    unsigned busy;           /* limited calls under way, and ... */
    struct request *waiting; /* ... those that wait for their turn */
};

/* A call under way. */
struct request {
    struct aws *aws;
    struct aws_call *call;
    struct http_request http;
    struct aws_head head;
    char url[URL_MAX];
    int64_t offset_ms; /* the clock's, as the call was signed */
    int64_t wall_ms;
    int64_t mono_us;
    bool counted; /* among aws->busy */

    /* Of one that ends before anything is sent: */
    enum aws_advice advice;
    const char *code;
    char why[WHY_MAX];
    struct request *next; /* in aws->unsent or aws->waiting */
};

static void start_waiting(struct aws *aws);

static void
request_free(struct request *request)
{
    aws_head_deinit(&request->head);
    free(request);
}

/* Its place is the next one's, before its owner can take it again. */
static void
release(struct request *request)
{
    if (!request->counted)
        return;
    request->counted = false;
    request->aws->busy--;
    start_waiting(request->aws);
}

/*
 * Sign what goes out with the corrected time.
 *
 * Return: 0, or the errors of sigv4.h.
 */
static int
sign(struct request *request, const struct endpoint *endpoint,
     const struct creds_keys *keys)
{
    const struct aws_call *call = request->call;
    const struct sigv4_pair headers[] = {
        {SLICE("Content-Type"), SLICE(JSON_TYPE)},
        {SLICE("X-Amz-Target"), {call->target, strlen(call->target)}},
        {SLICE("Content-Encoding"), SLICE("gzip")},
    };

    return aws_sign(&request->head,
                    &(struct aws_sign){
                        .service = call->service,
                        .region = endpoint_region(request->aws->settings),
                        .method = "POST",
                        .host = endpoint->host,
                        .path = "/",
                        .headers = headers,
                        .header_count = call->gzipped ? 3 : 2,
                        .body = call->body,
                        .now_ms = request->wall_ms + request->offset_ms,
                    },
                    keys);
}

/* Tell the caller, who may start or cancel other calls, and forget it. */
static void
tell(struct request *request, const struct aws_answer *answer)
{
    struct aws_call *call = request->call;

    release(request);
    call->request = NULL;
    call->done(call, answer);
    request_free(request);
}

static void
on_answered(struct http_request *http, const struct http_answer *given)
{
    struct request *request = http->owner;
    struct aws *aws = request->aws;
    int64_t now_us = clock_mono_us();
    int64_t took_ms = (now_us - request->mono_us) / US_PER_MS;
    cJSON *body =
        given->whole ? json_parse(given->body.data, given->body.len) : NULL;
    char code[AWS_CODE_MAX];
    struct aws_answer answer;

    aws_clock_learn(&aws->clock,
                    &(struct aws_clock_sample){request->wall_ms, took_ms,
                                               now_us, given->headers->date,
                                               given->headers->age});
    aws_error_judge(&answer, code,
                    &(struct aws_evidence){
                        .status = given->status,
                        .whole = given->whole,
                        .sent = given->sent,
                        .gzipped = request->call->gzipped,
                        .clock_moved =
                            aws_clock_explains(&aws->clock, request->offset_ms),
                        .transport = given->error,
                        .error_type = given->headers->error_type,
                        .request_id = given->headers->request_id,
                        .retry_after = given->headers->retry_after,
                        .retry_after_ms = given->headers->retry_after_ms,
                        .now_ms = clock_wall_ms() + aws->clock.offset_ms,
                        .blank = !given->body.len,
                        .body = body,
                    });
    answer.took_ms = took_ms;
    if (answer.outcome != AWS_OK && answer.advice == AWS_CREDENTIALS)
        creds_distrust(aws->creds);
    tell(request, &answer);
    cJSON_Delete(body);
}

/* A call that cannot be signed ends as if from the loop. */
static void
on_soon(uv_timer_t *timer)
{
    struct aws *aws = timer->data;
    struct request *request;

    while ((request = aws->unsent)) {
        aws->unsent = request->next;
        tell(request, &(struct aws_answer){
                          .outcome = AWS_UNSENT,
                          .advice = request->advice,
                          .code = request->code,
                          .message = request->why,
                          .request_id = "",
                          .hint_ms = -1,
                          .retry_after_ms = -1,
                      });
    }
}

static void
end_soon(struct request *request, enum aws_advice advice, const char *code,
         const char *why)
{
    struct aws *aws = request->aws;

    request->advice = advice;
    request->code = code;
    (void)snprintf(request->why, sizeof(request->why), "%s", why);
    request->next = aws->unsent;
    aws->unsent = request;
    (void)uv_timer_start(&aws->soon, on_soon, 0, 0);
}

static int
request_send(struct request *request, const struct endpoint *endpoint,
             const struct creds_keys *keys)
{
    struct aws *aws = request->aws;

    if (sign(request, endpoint, keys))
        return -ENOMEM;
    (void)snprintf(request->url, sizeof(request->url), "%s://%s/",
                   endpoint->plain ? "http" : "https", endpoint->host);
    request->http = (struct http_request){
        .url = request->url,
        .headers = request->head.lines,
        .body = request->call->body,
        .timeout_ms = aws->settings->shipper.request_timeout,
        .plain = endpoint->plain,
        .body_max = request->call->secret ? SECRET_ANSWER_MAX : 0,
        .secret = request->call->secret,
        .done = on_answered,
        .owner = request,
    };
    return http_start(aws->http, &request->http);
}

/* It is its turn.  Return: 0 or -ENOMEM. */
static int
request_begin(struct request *request)
{
    struct aws *aws = request->aws;
    struct aws_call *call = request->call;
    const struct creds_keys *keys;
    char no_host[ENDPOINT_WHY_MAX];
    struct endpoint endpoint;
    const char *why;
    int r;

    request->wall_ms = clock_wall_ms();
    request->mono_us = clock_mono_us();
    request->offset_ms = aws->clock.offset_ms;
    keys = creds_get(aws->creds, &why);
    if (!keys) {
        end_soon(request, AWS_CREDENTIALS, "NoCredentials", why);
        return 0;
    }
    if (!endpoint_find(&endpoint, aws->settings, call->service, no_host)) {
        end_soon(request, AWS_RETRY, "NoEndpoint", no_host);
        return 0;
    }
    r = request_send(request, &endpoint, keys);
    request->counted = !r && call->limited;
    aws->busy += request->counted;
    return r;
}

static bool
is_full(const struct aws *aws)
{
    return aws->busy >= (unsigned)aws->settings->shipper.max_inflight;
}

static void
start_waiting(struct aws *aws)
{
    struct request *request;

    while ((request = aws->waiting) && !is_full(aws)) {
        aws->waiting = request->next;
        if (request_begin(request) < 0)
            end_soon(request, AWS_RETRY, "NotSent", "out of memory");
    }
}

int
aws_call_start(struct aws *aws, struct aws_call *call)
{
    struct request *request = calloc(1, sizeof(*request));
    struct request **at = &aws->waiting;

    if (!request)
        return -ENOMEM;
    request->aws = call->aws = aws;
    request->call = call;
    if (call->limited && is_full(aws)) {
        while (*at)
            at = &(*at)->next;
        *at = request;
    } else if (request_begin(request) < 0) {
        request_free(request);
        return -ENOMEM;
    }
    call->request = request;
    return 0;
}

/* Return: whether it stood in @list. */
static bool
take_out(struct request **list, const struct request *request)
{
    while (*list && *list != request)
        list = &(*list)->next;
    if (!*list)
        return false;
    *list = request->next;
    return true;
}

void
aws_call_cancel(struct aws_call *call)
{
    struct request *request = call->request;

    if (!take_out(&call->aws->unsent, request) &&
        !take_out(&call->aws->waiting, request))
        http_cancel(&request->http);
    call->request = NULL;
    release(request);
    request_free(request);
}

int64_t
aws_clock_offset_ms(const struct aws *aws, int64_t *age_ms)
{
    *age_ms = aws->clock.learnt_us
                  ? (clock_mono_us() - aws->clock.learnt_us) / US_PER_MS
                  : -1;
    return aws->clock.offset_ms;
}

void
aws_check(struct settings *settings)
{
    char why[ENDPOINT_WHY_MAX];
    struct endpoint endpoint;

    if (!endpoint_find(&endpoint, settings, "logs", why))
        settings_complain(settings, "aws.endpoint_url", "%s", why);
}

int
aws_new(struct aws **created, uv_loop_t *loop, struct http *http,
        struct creds *creds, const struct settings *settings)
{
    struct aws *aws = calloc(1, sizeof(*aws));

    if (!aws)
        return -ENOMEM;
    aws->settings = settings;
    aws->http = http;
    aws->creds = creds;
    (void)uv_timer_init(loop, &aws->soon);
    aws->soon.data = aws;
    *created = aws;
    return 0;
}

static void
on_soon_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
aws_close(struct aws *aws)
{
    if (!aws)
        return;
    uv_close((uv_handle_t *)&aws->soon, on_soon_closed);
}
