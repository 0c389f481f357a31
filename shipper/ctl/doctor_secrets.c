#include "common/buf.h"
#include "common/json.h"
#include "common/secret_text.h"
#include "common/settings.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/doctor.h"
#include "shipper/ctl/print.h"
#include "shipper/object.h"
#include "shipper/secret_value.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512, BODY_MAX = 4096, VERSION_SHOWN = 8 };

static void
tell_version(struct doctor *doctor, const char *name, const cJSON *answer)
{
    const char *id = json_get_string(answer, "VersionId");
    const cJSON *stage =
        cJSON_GetObjectItemCaseSensitive(answer, "VersionStages");
    const cJSON *created =
        cJSON_GetObjectItemCaseSensitive(answer, "CreatedDate");
    const char *word = cJSON_GetStringValue(cJSON_GetArrayItem(stage, 0));
    char time[PRINT_SIZE];
    int64_t ms = cJSON_IsNumber(created) && created->valuedouble < 1e10
                     ? (int64_t)(created->valuedouble * 1000)
                     : 0;

    doctor_tell(doctor, DOCTOR_OK, "secret", NULL,
                "%s: version %.*s, %s, of %s", name, VERSION_SHOWN,
                id ? id : "-", word ? word : "-", print_time(ms, time));
}

static struct slice
text_of(const cJSON *answer)
{
    const char *text = json_get_string(answer, "SecretString");

    return (struct slice){text, text ? strlen(text) : 0};
}

static void
judge_config(struct doctor *doctor, struct slice text, const char *field)
{
    char *inner = field && text.data ? secret_field(text, field) : NULL;
    char *bucket = NULL;

    if (inner)
        text = (struct slice){inner, strlen(inner)};
    if (text.data && (inner || !field))
        bucket = secret_bucket(text, "APP_CONFIG");
    if (bucket && object_bucket_ok(bucket))
        (void)snprintf(doctor->bucket, sizeof(doctor->bucket), "%s", bucket);
    else if (!*doctor->ctl->settings.uploads.bucket)
        doctor_tell(
            doctor, DOCTOR_WARN, "secret",
            "its JSON has to have a member \"bucket\", or set [uploads] "
            "bucket; without one uploads answer 503",
            "%s names no bucket", doctor->ctl->settings.secrets.app_config);
    secret_free(bucket);
    secret_free(inner);
}

static void
judge_password(struct doctor *doctor, struct slice text, const char *field)
{
    char *value = !text.data ? NULL
                  : field    ? secret_field(text, field)
                             : secret_password(text, "DB_PASSWORD");

    if (!value)
        doctor_tell(doctor, DOCTOR_FAIL, "secret",
                    "give the bare password, or an object with a member "
                    "\"password\"",
                    "%s holds no password",
                    doctor->ctl->settings.secrets.db_password);
    secret_free(value);
}

static void
tell_refusal(struct doctor *doctor, const char *name,
             const struct aws_sync_answer *answer)
{
    bool denied = !strncmp(answer->code, "AccessDenied", 12);
    bool missing = !strcmp(answer->code, "ResourceNotFoundException");

    doctor_tell(doctor, denied ? DOCTOR_WARN : DOCTOR_FAIL, "secret",
                denied ? "shipper needs secretsmanager:GetSecretValue on it; "
                         "these credentials do not have it"
                : missing
                    ? "make it in Secrets Manager, in this region, or set "
                      "[secrets] to its name"
                    : NULL,
                "%s: %s: %s", name, answer->code, answer->message);
}

/* The permission that shipper needs is the one to read; what is read is wiped,
 * and nothing of it is told. */
static void
look_at(struct doctor *doctor, const char *setting,
        void (*judge)(struct doctor *doctor, struct slice text,
                      const char *field))
{
    struct aws_sync_answer answer = {.code = ""};
    char name[NAME_MAX_BYTES];
    const char *hash = strchr(setting, '#');
    struct buf body;
    int r;

    (void)snprintf(name, sizeof(name), "%.*s",
                   (int)(hash ? (size_t)(hash - setting) : strlen(setting)),
                   setting);
    buf_init(&body, BODY_MAX);
    (void)buf_puts(&body, "{\"SecretId\":");
    json_string(&body, name);
    (void)buf_putc(&body, '}');
    r = aws_sync_try(doctor->sync,
                     &(struct aws_sync_call){
                         .service = "secretsmanager",
                         .target = "secretsmanager.GetSecretValue",
                         .body = &body,
                         .secret = true,
                     },
                     &answer);
    buf_deinit(&body);
    if (!r && answer.outcome == AWS_OK) {
        tell_version(doctor, name, answer.body);
        judge(doctor, text_of(answer.body), hash ? hash + 1 : NULL);
    } else if (!r) {
        tell_refusal(doctor, name, &answer);
    }
}

void
doctor_secrets(struct doctor *doctor)
{
    const struct settings *settings = &doctor->ctl->settings;

    (void)snprintf(doctor->bucket, sizeof(doctor->bucket), "%.63s",
                   settings->uploads.bucket);
    if (!doctor->secrets_reached)
        return;
    if (*settings->secrets.app_config && !*settings->uploads.bucket)
        look_at(doctor, settings->secrets.app_config, judge_config);
    if (*settings->secrets.export_dir && *settings->secrets.db_password)
        look_at(doctor, settings->secrets.db_password, judge_password);
}
