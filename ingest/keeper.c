#include "ingest/keeper.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/fileio.h"
#include "common/issuer.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "ingest/broker_client.h"
#include "ingest/jwks.h"
#include "ingest/upload_key.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_NAME "keyset.json"

enum { KEPT_MAX = 256 * 1024, WHY_MAX = 256 };

/* One thing that is asked for again and again. */
struct renewal {
    struct keeper *keeper;
    struct broker_query query;
    const char *members;
    void (*take)(struct keeper *keeper, const cJSON *answer);
    uv_timer_t timer;
};

struct keeper {
    struct keeper_options options;
    struct issuer issuer;
    struct broker_client *broker;
    struct renewal keys, upload;
    bool closing;
    size_t timers; /* that are not closed yet */

    struct jwks *jwks;
    int64_t jwks_ms;
    int64_t wanted_ms; /* the loop's clock at the last ask for a refresh */
    bool wanted;       /* ever */

    struct upload_key *upload_key;
    int64_t clock_offset_ms;
    char why[WHY_MAX]; /* there is no upload key */
};

static void ask(struct renewal *renewal, const char *members);

static void
on_timer(uv_timer_t *timer)
{
    struct renewal *renewal = timer->data;

    ask(renewal, renewal->members);
}

static void
ask_after(struct renewal *renewal, int64_t ms)
{
    (void)uv_timer_start(&renewal->timer, on_timer, (uint64_t)ms, 0);
}

static bool
is_ok(const cJSON *answer)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"));
}

static void
on_answer(struct broker_query *query, const cJSON *answer)
{
    struct renewal *renewal = query->owner;
    struct keeper *keeper = renewal->keeper;

    if (keeper->closing)
        return;
    renewal->take(keeper, answer);
    ask_after(renewal, is_ok(answer) ? KEEPER_RENEW_MS : KEEPER_RETRY_MS);
}

static void
ask(struct renewal *renewal, const char *members)
{
    struct keeper *keeper = renewal->keeper;

    if (renewal->query.waiting)
        return;
    if (broker_client_ask(keeper->broker, &renewal->query, members) < 0)
        ask_after(renewal, KEEPER_RETRY_MS);
}

/* Write what the next start will read.  It is public, and not needed for
 * long: failing is no more than a pity. */
static void
keep_set(struct keeper *keeper, const char *keys)
{
    struct buf text;
    int r;

    if (keeper->options.state_dirfd < 0)
        return;
    buf_init(&text, KEPT_MAX);
    (void)buf_puts(&text, "{\"v\":1,\"issuer\":");
    json_string(&text, keeper->issuer.name);
    (void)buf_printf(&text, ",\"fetchedAt\":%" PRId64 ",\"keys\":%s}\n",
                     keeper->jwks_ms, keys);
    r = text.failed ? text.failed
                    : fileio_replace(keeper->options.state_dirfd, KEPT_NAME,
                                     text.data, text.len);
    if (r < 0)
        log_warning("keyset_not_kept", log_text("file", KEPT_NAME),
                    log_errno(r), );
    buf_deinit(&text);
}

/* Return: 0 where the set in @line, an answer or the file, is taken. */
static int
take_set(struct keeper *keeper, const cJSON *line, bool keep)
{
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(line, "keys");
    const char *issuer = json_get_string(line, "issuer");
    char *text = cJSON_PrintUnformatted(keys);
    struct jwks *jwks = NULL;
    uint64_t fetched_ms = 0;
    struct buf set;
    int r = -EINVAL;

    buf_init(&set, KEPT_MAX);
    (void)buf_printf(&set, "{\"keys\":%s}", text ? text : "null");
    if (issuer && !strcmp(issuer, keeper->issuer.name) && !set.failed)
        r = jwks_parse(&jwks, (struct slice){set.data, set.len});
    if (!r) {
        (void)json_get_uint(line, "fetchedAt", &fetched_ms);
        jwks_release(keeper->jwks);
        keeper->jwks = jwks;
        if ((int64_t)fetched_ms != keeper->jwks_ms) {
            keeper->jwks_ms = (int64_t)fetched_ms;
            if (keep)
                keep_set(keeper, text);
        }
    }
    buf_deinit(&set);
    cJSON_free(text);
    return r;
}

static void
take_keys(struct keeper *keeper, const cJSON *answer)
{
    if (is_ok(answer) && take_set(keeper, answer, true) < 0)
        log_warning("keys_not_taken",
                    log_text("why", "no key set of the configured issuer"),
                    log_text("next", "the last one is kept"), );
    keeper->options.keys_asked(keeper->options.owner);
}

static void
take_upload_key(struct keeper *keeper, const cJSON *answer)
{
    struct upload_key *key = upload_key_read(answer);
    const char *code = json_get_string(answer, "code");
    const char *why = json_get_string(answer, "why");

    if (key) {
        upload_key_free(keeper->upload_key);
        keeper->upload_key = key;
        keeper->clock_offset_ms = key->clock_offset_ms;
    } else if (answer) {
        (void)snprintf(keeper->why, sizeof(keeper->why), "%s: %s",
                       code ? code : "broker", why ? why : "no answer");
    } else {
        (void)snprintf(keeper->why, sizeof(keeper->why),
                       "shipper does not answer");
    }
}

static void
on_up(void *owner)
{
    struct keeper *keeper = owner;

    if (*keeper->issuer.name)
        ask(&keeper->keys, keeper->keys.members);
    ask(&keeper->upload, keeper->upload.members);
}

static void
read_kept(struct keeper *keeper)
{
    int dirfd = keeper->options.state_dirfd;
    cJSON *line = NULL;
    char *text;
    size_t len;
    int r;

    if (dirfd < 0 || !*keeper->issuer.name)
        return;
    r = fileio_read_all(dirfd, KEPT_NAME, KEPT_MAX, &text, &len);
    if (r == -ENOENT)
        return;
    if (!r) {
        line = json_parse(text, len);
        free(text);
        r = take_set(keeper, line, false);
        cJSON_Delete(line);
    }
    if (r < 0)
        log_warning("keyset_not_read", log_text("file", KEPT_NAME),
                    log_text("why", r == -EINVAL
                                        ? "no key set of the configured issuer"
                                        : strerror(-r)),
                    log_text("next", "the broker is asked"), );
}

static void
renewal_init(struct renewal *renewal, struct keeper *keeper,
             const char *members, void (*take)(struct keeper *, const cJSON *))
{
    renewal->keeper = keeper;
    renewal->members = members;
    renewal->take = take;
    renewal->query.done = on_answer;
    renewal->query.owner = renewal;
    (void)uv_timer_init(keeper->options.loop, &renewal->timer);
    renewal->timer.data = renewal;
    keeper->timers++;
}

int
keeper_new(struct keeper **created, const struct keeper_options *options)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    int r;

    if (!keeper)
        return -ENOMEM;
    keeper->options = *options;
    issuer_find(&keeper->issuer, options->settings);
    (void)snprintf(keeper->why, sizeof(keeper->why),
                   "shipper has not been asked yet");
    r = broker_client_new(&keeper->broker, options->loop,
                          options->settings->broker.socket, on_up, keeper);
    if (r < 0) {
        free(keeper);
        return r;
    }
    renewal_init(&keeper->keys, keeper, "\"ask\":\"keys\"", take_keys);
    renewal_init(&keeper->upload, keeper, "\"ask\":\"upload_key\"",
                 take_upload_key);
    read_kept(keeper);
    *created = keeper;
    return 0;
}

static void
on_timer_closed(uv_handle_t *handle)
{
    struct renewal *renewal = handle->data;
    struct keeper *keeper = renewal->keeper;

    if (--keeper->timers)
        return;
    jwks_release(keeper->jwks);
    upload_key_free(keeper->upload_key);
    free(keeper);
}

void
keeper_close(struct keeper *keeper)
{
    if (!keeper)
        return;
    keeper->closing = true;
    broker_client_close(keeper->broker);
    uv_close((uv_handle_t *)&keeper->keys.timer, on_timer_closed);
    uv_close((uv_handle_t *)&keeper->upload.timer, on_timer_closed);
}

struct jwks *
keeper_jwks(const struct keeper *keeper)
{
    return keeper->jwks;
}

int64_t
keeper_jwks_time(const struct keeper *keeper)
{
    return keeper->jwks ? keeper->jwks_ms : 0;
}

bool
keeper_want_keys(struct keeper *keeper)
{
    int64_t now_ms = (int64_t)uv_now(keeper->options.loop);

    if (keeper->keys.query.waiting)
        return true;
    if (!broker_client_is_up(keeper->broker) ||
        (keeper->wanted && now_ms - keeper->wanted_ms < KEEPER_PENALTY_MS))
        return false;
    keeper->wanted = true;
    keeper->wanted_ms = now_ms;
    ask(&keeper->keys, "\"ask\":\"keys\",\"refresh\":true");
    return keeper->keys.query.waiting;
}

bool
keeper_is_up(const struct keeper *keeper)
{
    return broker_client_is_up(keeper->broker);
}

const struct upload_key *
keeper_upload_key(const struct keeper *keeper, const char **why)
{
    *why = keeper->why;
    return keeper->upload_key;
}

int64_t
keeper_now_ms(const struct keeper *keeper)
{
    return clock_wall_ms() + keeper->clock_offset_ms;
}
