#include "shipper/jwks_fetch.h"

#include "common/backoff.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/issuer.h"
#include "common/jitter.h"
#include "common/json.h"
#include "common/log.h"
#include "shipper/cloud.h"
#include "shipper/endpoint.h"
#include "shipper/http.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRESH_LEAST_MS = 5 * 60 * 1000, /* what Cache-Control can ask for ... */
    FRESH_MOST_MS = 24 * 60 * 60 * 1000,
    FRESH_USUAL_MS = 60 * 60 * 1000, /* ... and what holds without it */
    RETRY_BASE_MS = 1000,
    WHY_MAX = 256,
    US_PER_MS = 1000,
};

struct jwks_fetch {
    struct cloud *cloud;
    struct issuer issuer;
    bool plain;
    struct http_request request;
    bool underway;
    uv_timer_t timer;
    struct jwks_wait *first;
    int64_t began_us;  /* the last fetch */
    unsigned failures; /* in a row */
    struct buf keys;   /* the last good set's, as the inside of an array */
    int64_t fetched_ms;
    char why[WHY_MAX]; /* of the last failure */
};

static void begin(struct jwks_fetch *fetch);

static void
on_timer(uv_timer_t *timer)
{
    struct jwks_fetch *fetch = timer->data;

    if (!fetch->underway)
        begin(fetch);
}

static void
begin_after(struct jwks_fetch *fetch, int64_t ms)
{
    (void)uv_timer_start(&fetch->timer, on_timer, (uint64_t)ms, 0);
}

/* Those who wait are told in the order they came; each may wait anew. */
static void
tell_waiting(struct jwks_fetch *fetch)
{
    struct jwks_wait *wait;

    while (!fetch->underway && (wait = fetch->first)) {
        fetch->first = wait->next;
        wait->waiting = false;
        wait->done(wait);
    }
}

static bool
has_kid_before(const cJSON *keys, const cJSON *key)
{
    const char *kid = json_get_string(key, "kid"), *other;
    const cJSON *at;

    cJSON_ArrayForEach(at, keys)
    {
        if (at == key)
            return false;
        other = json_get_string(at, "kid");
        if (kid && other && !strcmp(kid, other))
            return true;
    }
    return false;
}

/* Which keys are of use is for ingest to judge; who is ambiguous is not. */
static const char *
read_set(struct buf *out, const cJSON *set)
{
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(set, "keys"), *key;

    if (!cJSON_IsArray(keys))
        return "the answer is no key set";
    cJSON_ArrayForEach(key, keys)
    {
        char *text;

        if (!cJSON_IsObject(key))
            continue;
        if (has_kid_before(keys, key))
            return "the key set has two keys of one id";
        text = cJSON_PrintUnformatted(key);
        if (!text)
            return "out of memory";
        (void)buf_puts(out, out->len ? "," : "");
        (void)buf_puts(out, text);
        free(text);
    }
    if (out->failed)
        return "the key set is too large";
    return out->len ? NULL : "the key set is empty";
}

/* Return: what was wrong with the answer, or NULL with the new keys. */
static const char *
take_answer(struct jwks_fetch *fetch, const struct http_answer *answer)
{
    struct buf keys;
    const char *wrong;
    cJSON *set;

    if (!answer->whole)
        return answer->error;
    if (answer->status != 200)
        return "the status is not 200";
    buf_init(&keys, JWKS_TEXT_MAX);
    set = json_parse(answer->body.data, answer->body.len);
    wrong = read_set(&keys, set);
    cJSON_Delete(set);
    if (wrong) {
        buf_deinit(&keys);
        return wrong;
    }
    buf_deinit(&fetch->keys);
    fetch->keys = keys;
    return NULL;
}

/* Cache-Control's max-age within bounds, or the usual time; some less, so
 * that a fleet does not come at once. */
static int64_t
fresh_ms(const char *cache_control)
{
    const char *max_age = strstr(cache_control, "max-age=");
    int64_t ms = FRESH_USUAL_MS;

    if (max_age)
        ms = strtoll(max_age + strlen("max-age="), NULL, 10) * 1000;
    if (ms < FRESH_LEAST_MS)
        ms = FRESH_LEAST_MS;
    if (ms > FRESH_MOST_MS)
        ms = FRESH_MOST_MS;
    return ms / 2 + jitter_bits() % (ms / 2);
}

static void
on_answer(struct http_request *request, const struct http_answer *answer)
{
    struct jwks_fetch *fetch = request->owner;
    const char *wrong = take_answer(fetch, answer);

    fetch->underway = false;
    if (!wrong) {
        if (fetch->failures || !fetch->fetched_ms)
            log_notice("keys_fetched",
                       log_text("issuer", fetch->issuer.name), );
        fetch->failures = 0;
        fetch->fetched_ms = clock_wall_ms();
        begin_after(fetch, fresh_ms(answer->headers->cache_control));
    } else {
        (void)snprintf(fetch->why, sizeof(fetch->why), "%s", wrong);
        if (!fetch->failures++)
            log_warning("keys_not_fetched",
                        log_text("url", fetch->issuer.jwks_url),
                        log_int("status", answer->status),
                        log_text("why", fetch->why),
                        log_text("next", fetch->fetched_ms
                                             ? "the last ones are kept"
                                             : "tokens cannot be verified"), );
        begin_after(fetch, JWKS_PENALTY_MS + backoff_delay_ms(RETRY_BASE_MS,
                                                              fetch->failures,
                                                              jitter_bits()));
    }
    tell_waiting(fetch);
}

static void
begin(struct jwks_fetch *fetch)
{
    static const char *const headers[] = {"Accept: application/json", NULL};

    fetch->began_us = clock_mono_us();
    fetch->request = (struct http_request){
        .method = HTTP_GET,
        .url = fetch->issuer.jwks_url,
        .headers = headers,
        .timeout_ms = JWKS_FETCH_TIMEOUT_MS,
        .plain = fetch->plain,
        .body_max = JWKS_TEXT_MAX,
        .done = on_answer,
        .owner = fetch,
    };
    fetch->underway = http_start(fetch->cloud->http, &fetch->request) == 0;
    if (!fetch->underway)
        begin_after(fetch, JWKS_PENALTY_MS);
}

bool
jwks_fetch_want(struct jwks_fetch *fetch, struct jwks_wait *wait, bool refresh)
{
    struct jwks_wait **at = &fetch->first;
    int64_t age_ms = (clock_mono_us() - fetch->began_us) / US_PER_MS;

    if (!*fetch->issuer.name || (fetch->fetched_ms && !refresh))
        return false;
    if (!fetch->underway && age_ms >= JWKS_PENALTY_MS)
        begin(fetch);
    if (!fetch->underway)
        return false;
    while (*at)
        at = &(*at)->next;
    wait->next = NULL;
    wait->waiting = true;
    *at = wait;
    return true;
}

void
jwks_fetch_forget(struct jwks_fetch *fetch, struct jwks_wait *wait)
{
    struct jwks_wait **at = &fetch->first;

    if (!wait->waiting)
        return;
    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    wait->waiting = false;
}

struct slice
jwks_fetch_keys(const struct jwks_fetch *fetch, const char **why)
{
    *why = !*fetch->issuer.name ? "no issuer is configured" : fetch->why;
    return fetch->fetched_ms ? (struct slice){fetch->keys.data, fetch->keys.len}
                             : (struct slice){NULL, 0};
}

const char *
jwks_fetch_issuer(const struct jwks_fetch *fetch)
{
    return fetch->issuer.name;
}

int64_t
jwks_fetch_time(const struct jwks_fetch *fetch)
{
    return fetch->fetched_ms;
}

int
jwks_fetch_new(struct jwks_fetch **created, struct cloud *cloud)
{
    struct jwks_fetch *fetch = calloc(1, sizeof(*fetch));

    if (!fetch)
        return -ENOMEM;
    fetch->cloud = cloud;
    buf_init(&fetch->keys, JWKS_TEXT_MAX);
    (void)snprintf(fetch->why, sizeof(fetch->why), "not fetched yet");
    issuer_find(&fetch->issuer, cloud->settings);
    fetch->plain = !strncmp(fetch->issuer.jwks_url, "http://", 7);
    (void)uv_timer_init(cloud->loop, &fetch->timer);
    fetch->timer.data = fetch;
    if (*fetch->issuer.name)
        begin(fetch);
    *created = fetch;
    return 0;
}

static void
on_closed(uv_handle_t *handle)
{
    struct jwks_fetch *fetch = handle->data;

    buf_deinit(&fetch->keys);
    free(fetch);
}

void
jwks_fetch_close(struct jwks_fetch *fetch)
{
    if (!fetch)
        return;
    if (fetch->underway)
        http_cancel(&fetch->request);
    uv_close((uv_handle_t *)&fetch->timer, on_closed);
}
