#include "shipper/broker_answer.h"

#include "common/ask.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "shipper/aws.h"
#include "shipper/cloud.h"
#include "shipper/creds.h"
#include "shipper/secrets.h"
#include "shipper/ship.h"
#include "shipper/upload_key.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_CREDENTIALS "credentials_unavailable"
#define NO_SECRETS "secrets_unavailable"
#define NO_STORAGE "storage_unavailable"

static void
refuse(struct broker_ask *ask, const char *code, const char *why)
{
    ask_refuse(ask->out, ask->id, code, why);
}

static void
begin(struct broker_ask *ask)
{
    ask_begin(ask->out, ask->id);
    (void)buf_puts(ask->out, ",\"ok\":true");
}

static void
write_keys(struct broker_ask *ask)
{
    const struct jwks_fetch *jwks = ask->sources->jwks;
    const char *why;
    struct slice keys = jwks_fetch_keys(jwks, &why);

    if (!keys.data) {
        refuse(ask, "keys_unavailable", why);
        return;
    }
    begin(ask);
    (void)buf_puts(ask->out, ",\"issuer\":");
    json_string(ask->out, jwks_fetch_issuer(jwks));
    (void)buf_printf(ask->out, ",\"fetchedAt\":%" PRId64 ",\"keys\":[",
                     jwks_fetch_time(jwks));
    (void)buf_append(ask->out, keys.data, keys.len);
    (void)buf_puts(ask->out, "]");
    ask_end(ask->out);
}

static void
on_keys(struct jwks_wait *wait)
{
    struct broker_ask *ask =
        (struct broker_ask *)((char *)wait - offsetof(struct broker_ask, wait));

    ask->under_way = BROKER_IDLE;
    write_keys(ask);
    ask->done(ask);
}

static int
answer_keys(struct broker_ask *ask, const cJSON *line)
{
    const cJSON *refresh = cJSON_GetObjectItemCaseSensitive(line, "refresh");

    ask->wait = (struct jwks_wait){.done = on_keys};
    if (jwks_fetch_want(ask->sources->jwks, &ask->wait,
                        cJSON_IsTrue(refresh))) {
        ask->under_way = BROKER_KEYS;
        return 1;
    }
    write_keys(ask);
    return 0;
}

static int
answer_upload_key(struct broker_ask *ask, const cJSON *line)
{
    const struct cloud *cloud = ask->sources->cloud;
    struct upload_key key = {.region = endpoint_region(cloud->settings)};
    char no_place[ENDPOINT_WHY_MAX];
    struct object_place place;
    const char *why;
    int64_t age_ms;

    (void)line;
    key.bucket = secrets_bucket(ask->sources->secrets, &why);
    if (!key.bucket) {
        refuse(ask, NO_SECRETS, why);
        return 0;
    }
    key.keys = creds_get(cloud->upload_creds, &why);
    if (!key.keys) {
        refuse(ask, NO_CREDENTIALS, why);
        return 0;
    }
    if (!object_place(&place, cloud->settings, key.bucket, no_place)) {
        refuse(ask, NO_STORAGE, no_place);
        return 0;
    }
    key.place = &place;
    key.clock_offset_ms = aws_clock_offset_ms(cloud->aws, &age_ms);
    key.now_ms = clock_wall_ms() + key.clock_offset_ms;
    begin(ask);
    if (upload_key_write(ask->out, &key) < 0)
        return -ENOMEM;
    ask_end(ask->out);
    return 0;
}

static void
write_head(struct broker_ask *ask, const struct object_answer *answer)
{
    if (answer->fate == OBJECT_UNKNOWN) {
        refuse(ask, NO_STORAGE, answer->why);
        return;
    }
    begin(ask);
    if (answer->fate == OBJECT_FOUND) {
        (void)buf_printf(ask->out, ",\"found\":true,\"size\":%" PRIu64,
                         answer->size);
        (void)buf_puts(ask->out, ",\"contentType\":");
        json_string(ask->out, answer->type);
        if (*answer->sha256) {
            (void)buf_puts(ask->out, ",\"checksumSha256\":");
            json_string(ask->out, answer->sha256);
        }
    } else {
        (void)buf_puts(ask->out, ",\"found\":false");
    }
    ask_end(ask->out);
}

static void
on_head(struct object_head *head, const struct object_answer *answer)
{
    struct broker_ask *ask = head->owner;

    ask->under_way = BROKER_IDLE;
    write_head(ask, answer);
    ask->done(ask);
}

static int
answer_head(struct broker_ask *ask, const cJSON *line)
{
    const char *key = json_get_string(line, "key"), *why, *bucket;

    if (!key || !*key || strlen(key) > OBJECT_KEY_MAX) {
        refuse(ask, "invalid_request", "a head asks for a key");
        return 0;
    }
    bucket = secrets_bucket(ask->sources->secrets, &why);
    if (!bucket) {
        refuse(ask, NO_SECRETS, why);
        return 0;
    }
    (void)snprintf(ask->bucket, sizeof(ask->bucket), "%s", bucket);
    (void)snprintf(ask->key, sizeof(ask->key), "%s", key);
    ask->head.bucket = ask->bucket;
    ask->head.key = ask->key;
    ask->head.done = on_head;
    ask->head.owner = ask;
    switch (object_head_start(&ask->head, ask->sources->cloud, &why)) {
    case OBJECT_FOUND:
        ask->under_way = BROKER_HEAD;
        return 1;
    case OBJECT_NO_CREDENTIALS:
        refuse(ask, NO_CREDENTIALS, why);
        return 0;
    default:
        refuse(ask, NO_STORAGE, why);
        return 0;
    }
}

static int
answer_take(struct broker_ask *ask, const cJSON *line)
{
    const char *name = json_get_string(line, "name");
    uint64_t number;
    int r = name ? ship_take(ask->sources->ship, name, &number) : -EINVAL;

    if (r == -EINVAL || r == -ENOENT) {
        refuse(ask, "invalid_request", "there is no such file in retry/");
    } else if (r) {
        refuse(ask, "spool_error", strerror(-r));
    } else {
        begin(ask);
        (void)buf_printf(ask->out, ",\"number\":%" PRIu64, number);
        ask_end(ask->out);
    }
    return 0;
}

static int
answer_drain(struct broker_ask *ask, const cJSON *line)
{
    const cJSON *end = cJSON_GetObjectItemCaseSensitive(line, "end");
    int r = ship_hold_door(ask->sources->ship, !cJSON_IsTrue(end));

    if (r) {
        refuse(ask, "spool_error", strerror(-r));
    } else {
        begin(ask);
        ask_end(ask->out);
    }
    return 0;
}

static int
answer(struct broker_ask *ask, const cJSON *line)
{
    static const struct {
        const char *name;
        int (*answer)(struct broker_ask *ask, const cJSON *line);
    } asks[] = {{"keys", answer_keys},
                {"upload_key", answer_upload_key},
                {"head", answer_head},
                {"take", answer_take},
                {"drain", answer_drain}};
    const char *name = json_get_string(line, "ask");

    if (!ask_version_ok(line)) {
        refuse(ask, "unknown_version", "this is version 1");
        return 0;
    }
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
        if (name && !strcmp(name, asks[i].name))
            return asks[i].answer(ask, line);
    refuse(ask, "unknown_ask",
           "keys, upload_key, head, take and drain are known");
    return 0;
}

int
broker_answer(struct broker_ask *ask, struct slice text)
{
    cJSON *line = ask_read(text);
    int r;

    if (!line)
        return -EINVAL;
    ask->id = 0;
    (void)json_get_uint(line, "id", &ask->id);
    r = answer(ask, line);
    cJSON_Delete(line);
    return r;
}

void
broker_answer_cancel(struct broker_ask *ask)
{
    switch (ask->under_way) {
    case BROKER_IDLE:
        break;
    case BROKER_KEYS:
        jwks_fetch_forget(ask->sources->jwks, &ask->wait);
        break;
    case BROKER_HEAD:
        object_head_cancel(&ask->head);
        break;
    }
    ask->under_way = BROKER_IDLE;
}
