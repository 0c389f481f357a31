#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/settings.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/cwread.h"
#include "shipper/ctl/doctor.h"
#include "shipper/cwlogs.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 8 * 1024, TARGET_SIZE = 96, NAME_SIZE = 513 };

/* What an error's code says of the one who asks, rather than of the asking. */
static const struct {
    const char *code, *hint;
} strangers[] = {
    {"NoCredentials",
     "set AWS_ACCESS_KEY_ID, or [aws] profile, or use `aws configure`"},
    {"UnrecognizedClientException", "AWS does not know this access key"},
    {"InvalidClientTokenId", "AWS does not know this access key"},
    {"InvalidSignatureException",
     "the secret key is not the access key's, or the clock is wrong"},
    {"SignatureDoesNotMatch",
     "the secret key is not the access key's, or the clock is wrong"},
    {"ExpiredTokenException", "temporary keys have ended: fetch new ones"},
    {"ExpiredToken", "temporary keys have ended: fetch new ones"},
    {"IncompleteSignature", "the keys have a blank or a line break in them"},
};

static const char *
stranger(const char *code)
{
    for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++)
        if (!strcmp(strangers[i].code, code))
            return strangers[i].hint;
    return NULL;
}

static bool
is_denied(const struct aws_sync_answer *answer)
{
    return !strncmp(answer->code, "AccessDenied", 12);
}

/* Return: whether it can be judged; what cannot is told. */
static bool
ask(struct doctor *doctor, const char *operation, const struct buf *body,
    struct aws_sync_answer *answer)
{
    char target[TARGET_SIZE];
    const char *hint;
    int r;

    (void)snprintf(target, sizeof(target), "Logs_20140328.%s", operation);
    r = aws_sync_try(doctor->sync,
                     &(struct aws_sync_call){
                         .service = CWLOGS_SERVICE,
                         .target = target,
                         .body = body,
                     },
                     answer);
    if (r) {
        doctor_tell(doctor, DOCTOR_FAIL, "logs", NULL, "%s: %s", operation,
                    strerror(-r));
        return false;
    }
    hint = stranger(answer->code);
    if (hint) {
        doctor_tell(doctor, DOCTOR_FAIL, "credentials", hint, "%s: %s",
                    answer->code, answer->message);
        return false;
    }
    if (answer->outcome == AWS_OK || answer->outcome == AWS_REFUSED)
        return true;
    doctor_tell(doctor, DOCTOR_FAIL, "logs", NULL, "%s: %s: %s", operation,
                answer->code, answer->message);
    return false;
}

/* A permission of ours or of shipper's; @why says for what. */
static void
tell_permission(struct doctor *doctor, const struct aws_sync_answer *answer,
                const char *operation, const char *why)
{
    char hint[256];

    (void)snprintf(hint, sizeof(hint), "allow logs:%s, which is for %s",
                   operation, why);
    if (is_denied(answer))
        doctor_tell(doctor, DOCTOR_WARN, "permission", hint,
                    "logs:%s is denied to these credentials", operation);
    else if (answer->outcome == AWS_OK ||
             !strcmp(answer->code, "ResourceNotFoundException"))
        doctor_tell(doctor, DOCTOR_OK, "permission", NULL, "logs:%s",
                    operation);
    else
        doctor_tell(doctor, DOCTOR_WARN, "permission", hint, "logs:%s: %s: %s",
                    operation, answer->code, answer->message);
}

static void
begin(struct buf *body, const char *name, const char *text)
{
    buf_init(body, BODY_MAX);
    (void)buf_printf(body, "{\"%s\":", name);
    json_string(body, text);
}

/* Return: whether the group is there; *@known is whether that is known. */
static bool
look_at_group(struct doctor *doctor, bool *known)
{
    const struct settings *settings = &doctor->ctl->settings;
    const char *group = settings->shipper.log_group;
    struct aws_sync_answer answer;
    const cJSON *row;
    struct buf body;
    bool found = false;

    begin(&body, "logGroupNamePrefix", group);
    (void)buf_putc(&body, '}');
    *known = ask(doctor, "DescribeLogGroups", &body, &answer);
    buf_deinit(&body);
    if (!*known)
        return false;
    doctor->authorized = true;
    doctor_tell(doctor, DOCTOR_OK, "credentials", NULL,
                "AWS knows who asks; shipper has credentials of its own");
    tell_permission(doctor, &answer, "DescribeLogGroups",
                    "clickspoolctl cloudwatch and doctor");
    *known = answer.outcome == AWS_OK;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer.body,
                                                             "logGroups"))
    {
        const char *name = json_get_string(row, "logGroupName");

        found = found || (name && !strcmp(name, group));
    }
    if (found)
        doctor_tell(doctor, DOCTOR_OK, "group", NULL, "%s is there", group);
    else if (*known && settings->shipper.create)
        doctor_tell(doctor, DOCTOR_WARN, "group",
                    "shipper makes it with the first entry, and needs "
                    "logs:CreateLogGroup and logs:CreateLogStream for that",
                    "%s is not there", group);
    else if (*known)
        doctor_tell(doctor, DOCTOR_FAIL, "group",
                    "make it, or set [shipper] create = true",
                    "%s is not there", group);
    return found;
}

/* Return: whether there is a stream of ours: the one that was written last. */
static bool
look_at_stream(struct doctor *doctor, char name[NAME_SIZE])
{
    const struct settings *settings = &doctor->ctl->settings;
    struct aws_sync_answer answer;
    struct buf body, prefix;
    const char *found = NULL;

    buf_init(&prefix, NAME_SIZE);
    cwread_prefix(&prefix, settings->shipper.log_stream);
    begin(&body, "logGroupName", settings->shipper.log_group);
    if (prefix.data && *prefix.data) {
        (void)buf_puts(&body, ",\"logStreamNamePrefix\":");
        json_string(&body, prefix.data);
    }
    (void)buf_puts(&body, ",\"limit\":1}");
    if (ask(doctor, "DescribeLogStreams", &body, &answer)) {
        tell_permission(doctor, &answer, "DescribeLogStreams",
                        "clickspoolctl cloudwatch and doctor");
        found =
            json_get_string(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(
                                                   answer.body, "logStreams"),
                                               0),
                            "logStreamName");
        if (found) {
            (void)snprintf(name, NAME_SIZE, "%s", found);
            doctor_tell(doctor, DOCTOR_OK, "stream", NULL, "%s is there", name);
        } else if (answer.outcome == AWS_OK) {
            doctor_tell(doctor, DOCTOR_WARN, "stream",
                        "shipper makes it with the first entry",
                        "no stream is named as [shipper] log_stream says");
        }
    }
    buf_deinit(&body);
    buf_deinit(&prefix);
    return found != NULL;
}

/* Of the last second: what it finds is of no interest. */
static void
try_reading(struct doctor *doctor, const char *stream)
{
    const char *group = doctor->ctl->settings.shipper.log_group;
    int64_t now_ms = clock_wall_ms();
    struct aws_sync_answer answer;
    struct buf body;

    begin(&body, "logGroupName", group);
    (void)buf_printf(&body,
                     ",\"startTime\":%" PRId64 ",\"endTime\":%" PRId64
                     ",\"limit\":1}",
                     now_ms - 1000, now_ms);
    if (ask(doctor, "FilterLogEvents", &body, &answer))
        tell_permission(doctor, &answer, "FilterLogEvents",
                        "clickspoolctl trace, send and audit --cloudwatch");
    buf_clear(&body);
    if (*stream &&
        !cwlogs_get_events(&body, group, stream, now_ms - 1000, now_ms, NULL) &&
        ask(doctor, "GetLogEvents", &body, &answer))
        tell_permission(doctor, &answer, "GetLogEvents",
                        "shipper, to look a batch of unknown fate up");
    buf_deinit(&body);
}

void
doctor_logs(struct doctor *doctor)
{
    char stream[NAME_SIZE] = "";
    bool known;

    if (!doctor->logs_reached)
        return;
    if (!look_at_group(doctor, &known) && known)
        return; /* there is nothing to read in */
    if (!doctor->authorized)
        return;
    (void)look_at_stream(doctor, stream);
    try_reading(doctor, stream);
}
