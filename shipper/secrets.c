#include "shipper/secrets.h"

#include "common/backoff.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/jitter.h"
#include "common/json.h"
#include "common/log.h"
#include "common/secret_text.h"
#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/cloud.h"
#include "shipper/object.h"
#include "shipper/secret_export.h"
#include "shipper/secret_value.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 2048,
    VERSION_MAX = 72,
    WHY_MAX = 320,
    RETRY_BASE_MS = 1000,
};

/* One secret of Secrets Manager, which may hold several of what is wanted. */
struct source {
    struct secrets *secrets;
    bool wanted[SECRETS_COUNT];
    char name[NAME_MAX_BYTES + 1];
    char version[VERSION_MAX]; /* that was read last */
    struct aws_call call;
    bool under_way;
    struct buf request;
    uv_timer_t timer;
    unsigned failures;  /* in a row */
    char told[WHY_MAX]; /* the failure that the log knows */
};

struct secrets {
    struct cloud *cloud;
    struct source sources[SECRETS_COUNT];
    size_t source_count;
    char *fields[SECRETS_COUNT]; /* of NAME#field, or NULL */
    char bucket[SECRETS_BUCKET_MAX];
    char why[WHY_MAX]; /* there is no bucket */
    int64_t times[SECRETS_COUNT];
    size_t closing; /* timers that are not closed yet */
};

static void ask(struct source *source);

static const char *
spec_of(const struct settings *settings, enum secrets_which which)
{
    return which == SECRETS_APP_CONFIG ? settings->secrets.app_config
                                       : settings->secrets.db_password;
}

/* What of the secrets this configuration needs. */
static bool
is_wanted(const struct settings *settings, enum secrets_which which)
{
    if (!*spec_of(settings, which))
        return false;
    return which == SECRETS_APP_CONFIG ? !*settings->uploads.bucket
                                       : *settings->secrets.export_dir != '\0';
}

static void
on_timer(uv_timer_t *timer)
{
    ask(timer->data);
}

static void
ask_after(struct source *source, int64_t ms)
{
    (void)uv_timer_start(&source->timer, on_timer, (uint64_t)ms, 0);
}

static void
fail(struct source *source, const char *code, const char *why)
{
    struct secrets *secrets = source->secrets;
    char text[WHY_MAX];

    (void)snprintf(text, sizeof(text), "%.100s: %.200s", code, why);
    if (source->wanted[SECRETS_APP_CONFIG])
        memcpy(secrets->why, text, sizeof(text));
    if (strcmp(text, source->told)) {
        log_warning("secret_not_read", log_text("secret", source->name),
                    log_text("code", code), log_text("why", why),
                    log_text("next", *source->version ? "the last value is kept"
                                                      : "tried again"), );
        memcpy(source->told, text, sizeof(text));
    }
    ask_after(source, backoff_delay_ms(RETRY_BASE_MS, ++source->failures,
                                       jitter_bits()));
}

/* Return: what is wrong with it, or NULL. */
static const char *
take_bucket(struct secrets *secrets, struct slice text)
{
    const char *field = secrets->fields[SECRETS_APP_CONFIG];
    char *inner = field ? secret_field(text, field) : NULL;
    char *bucket;
    bool good;

    if (field && !inner)
        return "the secret is no JSON object with that field";
    if (inner)
        text = (struct slice){inner, strlen(inner)};
    bucket = secret_bucket(text, "APP_CONFIG");
    good = bucket && object_bucket_ok(bucket);
    if (good && strcmp(bucket, secrets->bucket)) {
        (void)snprintf(secrets->bucket, sizeof(secrets->bucket), "%s", bucket);
        log_notice("bucket", log_text("name", bucket), );
    }
    secret_free(bucket);
    secret_free(inner);
    return good ? NULL : "there is no member \"bucket\" with a bucket's name";
}

static const char *
take_password(struct secrets *secrets, struct slice text, bool changed)
{
    const struct settings *settings = secrets->cloud->settings;
    const char *field = secrets->fields[SECRETS_DB_PASSWORD];
    char *value = field ? secret_field(text, field)
                        : secret_password(text, SECRET_EXPORT_NAME);
    const char *wrong = NULL;
    int r;

    if (!value || !*value) {
        wrong = "there is no password in it";
    } else if (changed || !secret_exported(settings)) {
        r = secret_export(settings, value);
        if (r < 0)
            wrong = strerror(-r);
        else
            log_notice("secret_exported",
                       log_text("folder", settings->secrets.export_dir), );
    }
    secret_free(value);
    return wrong;
}

static void
take(struct source *source, const cJSON *body)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(body, "SecretString");
    const char *version = json_get_string(body, "VersionId");
    struct secrets *secrets = source->secrets;
    bool changed = !version || strcmp(version, source->version) != 0;
    const char *wrong = NULL;
    struct slice value;

    if (!cJSON_IsString(text)) {
        fail(source, "NoText", "the secret is binary");
        return;
    }
    value = (struct slice){text->valuestring, strlen(text->valuestring)};
    if (source->wanted[SECRETS_APP_CONFIG])
        wrong = take_bucket(secrets, value);
    if (!wrong && source->wanted[SECRETS_DB_PASSWORD])
        wrong = take_password(secrets, value, changed);
    if (wrong) {
        fail(source, "NotTaken", wrong);
        return;
    }
    if (changed || source->failures)
        log_notice(*source->version ? "secret_changed" : "secret_read",
                   log_text("secret", source->name),
                   log_text("version", version), );
    (void)snprintf(source->version, sizeof(source->version), "%s",
                   version ? version : "");
    source->failures = 0;
    *source->told = '\0';
    for (int which = 0; which < SECRETS_COUNT; which++)
        if (source->wanted[which])
            secrets->times[which] = clock_wall_ms();
    ask_after(source, secrets->cloud->settings->secrets.refresh);
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct source *source = call->owner;
    const cJSON *text;

    source->under_way = false;
    if (answer->outcome != AWS_OK) {
        fail(source, answer->code, answer->message);
        return;
    }
    take(source, answer->body);
    text = cJSON_GetObjectItemCaseSensitive(answer->body, "SecretString");
    if (cJSON_IsString(text))
        OPENSSL_cleanse(text->valuestring, strlen(text->valuestring));
}

static void
ask(struct source *source)
{
    struct buf *request = &source->request;

    buf_clear(request);
    (void)buf_puts(request, "{\"SecretId\":");
    json_string(request, source->name);
    (void)buf_putc(request, '}');
    source->call = (struct aws_call){
        .service = "secretsmanager",
        .target = "secretsmanager.GetSecretValue",
        .body = {request->data, request->len},
        .secret = true,
        .done = on_answer,
        .owner = source,
    };
    source->under_way =
        !request->failed &&
        aws_call_start(source->secrets->cloud->aws, &source->call) == 0;
    if (!source->under_way)
        ask_after(source, BACKOFF_MAX_MS);
}

static struct source *
source_named(struct secrets *secrets, const char *name, size_t len)
{
    struct source *source;

    for (size_t i = 0; i < secrets->source_count; i++) {
        source = &secrets->sources[i];
        if (strlen(source->name) == len && !memcmp(source->name, name, len))
            return source;
    }
    source = &secrets->sources[secrets->source_count++];
    source->secrets = secrets;
    (void)snprintf(source->name, sizeof(source->name), "%.*s", (int)len, name);
    buf_init(&source->request, 2 * NAME_MAX_BYTES);
    (void)uv_timer_init(secrets->cloud->loop, &source->timer);
    source->timer.data = source;
    return source;
}

int
secrets_new(struct secrets **created, struct cloud *cloud)
{
    struct secrets *secrets = calloc(1, sizeof(*secrets));

    if (!secrets)
        return -ENOMEM;
    secrets->cloud = cloud;
    (void)snprintf(secrets->why, sizeof(secrets->why), "%s",
                   "the secret that names the bucket is not read yet");
    for (int which = 0; which < SECRETS_COUNT; which++) {
        const char *spec = spec_of(cloud->settings, which);
        size_t len = strcspn(spec, "#");

        secrets->times[which] = -1;
        if (!is_wanted(cloud->settings, which))
            continue;
        secrets->times[which] = 0;
        if (spec[len])
            secrets->fields[which] = strdup(spec + len + 1);
        source_named(secrets, spec, len)->wanted[which] = true;
    }
    for (size_t i = 0; i < secrets->source_count; i++)
        ask(&secrets->sources[i]);
    *created = secrets;
    return 0;
}

static void
secrets_free(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->source_count; i++)
        buf_deinit(&secrets->sources[i].request);
    for (int which = 0; which < SECRETS_COUNT; which++)
        free(secrets->fields[which]);
    free(secrets);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    struct source *source = handle->data;

    if (!--source->secrets->closing)
        secrets_free(source->secrets);
}

void
secrets_close(struct secrets *secrets)
{
    if (!secrets)
        return;
    secrets->closing = secrets->source_count;
    if (!secrets->closing) {
        secrets_free(secrets);
        return;
    }
    for (size_t i = 0; i < secrets->source_count; i++) {
        struct source *source = &secrets->sources[i];

        if (source->under_way)
            aws_call_cancel(&source->call);
        uv_close((uv_handle_t *)&source->timer, on_timer_closed);
    }
}

const char *
secrets_bucket(const struct secrets *secrets, const char **why)
{
    const char *own = secrets->cloud->settings->uploads.bucket;

    *why = secrets->why;
    if (*own)
        return own;
    return *secrets->bucket ? secrets->bucket : NULL;
}

int64_t
secrets_time(const struct secrets *secrets, enum secrets_which which)
{
    return secrets->times[which];
}

void
secrets_check(struct settings *settings)
{
    for (int which = 0; which < SECRETS_COUNT; which++) {
        size_t len = strcspn(spec_of(settings, which), "#");

        if (len > NAME_MAX_BYTES || (!len && *spec_of(settings, which)))
            settings_complain(settings,
                              which == SECRETS_APP_CONFIG
                                  ? "secrets.app_config"
                                  : "secrets.db_password",
                              "give a secret's name or whole ARN, and "
                              "#field for a field of a JSON secret");
    }
    if (*settings->uploads.bucket &&
        !object_bucket_ok(settings->uploads.bucket))
        settings_complain(settings, "uploads.bucket",
                          "a bucket's name is 3 to 63 of a-z, 0-9, . and -");
    secret_export_check(settings);
}
