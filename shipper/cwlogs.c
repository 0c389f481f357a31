#include "shipper/cwlogs.h"

#include "common/buf.h"
#include "common/json.h"
#include "shipper/aws.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An index of the answer, held within the batch. */
static size_t
read_index(const cJSON *info, const char *name, size_t count, size_t otherwise)
{
    uint64_t index;

    if (!json_get_uint(info, name, &index))
        return otherwise;
    return index < count ? (size_t)index : count;
}

/* The old ends are exclusive, the new start is inclusive. */
static void
read_rejected(const cJSON *body, size_t count, struct cwlogs_rejected *rejected)
{
    const cJSON *info =
        cJSON_GetObjectItemCaseSensitive(body, "rejectedLogEventsInfo");

    rejected->too_old = read_index(info, "tooOldLogEventEndIndex", count, 0);
    rejected->expired = read_index(info, "expiredLogEventEndIndex", count, 0);
    rejected->tail = read_index(info, "tooNewLogEventStartIndex", count, count);
    rejected->head = rejected->too_old > rejected->expired ? rejected->too_old
                                                           : rejected->expired;
    if (rejected->tail < rejected->head)
        rejected->tail = rejected->head;
}

/* An error that names a field which is not `logEvents` is not about an event:
 * "Value '…' at 'logGroupName' failed to satisfy constraint". */
static bool
names_another_field(const char *message)
{
    static const char at[] = " at '", events[] = "logEvents";
    const char *field = strstr(message, at);

    return field &&
           strncmp(field + sizeof(at) - 1, events, sizeof(events) - 1) != 0;
}

static enum cwlogs_verdict
judge_code(const char *code, const char *message)
{
    if (!strcmp(code, "InvalidParameterException") ||
        !strcmp(code, "ValidationException") ||
        !strcmp(code, "SerializationException") ||
        !strcmp(code, "RequestEntityTooLargeException") ||
        !strcmp(code, "HTTP413"))
        return names_another_field(message) ? CWLOGS_HOLD : CWLOGS_POISON;
    if (!strcmp(code, "DataAlreadyAcceptedException"))
        return CWLOGS_TAKEN;
    if (!strcmp(code, "InvalidSequenceTokenException"))
        return CWLOGS_TOKEN;
    if (!strcmp(code, "ResourceNotFoundException"))
        return CWLOGS_MISSING;
    if (!strcmp(code, "OperationAbortedException"))
        return CWLOGS_AGAIN;
    return CWLOGS_HOLD;
}

enum cwlogs_verdict
cwlogs_judge(const struct aws_answer *answer, size_t count,
             struct cwlogs_rejected *rejected)
{
    *rejected = (struct cwlogs_rejected){.tail = count};
    if (answer->outcome == AWS_OK) {
        read_rejected(answer->body, count, rejected);
        return CWLOGS_TAKEN;
    }
    switch (answer->advice) {
    case AWS_RETRY:
    case AWS_SLOW_DOWN:
    case AWS_CREDENTIALS:
        return CWLOGS_AGAIN;
    case AWS_CLOCK:
        return CWLOGS_CLOCK;
    case AWS_ENCODING:
        return CWLOGS_PLAIN;
    case AWS_JUDGE:
        return judge_code(answer->code, answer->message);
    }
    abort();
}

const char *
cwlogs_why(const struct cwlogs_rejected *rejected, size_t index)
{
    if (index >= rejected->tail)
        return "too_new";
    return index < rejected->too_old ? "too_old" : "expired";
}

const char *
cwlogs_token(const struct aws_answer *answer)
{
    const char *name = answer->outcome == AWS_OK ? "nextSequenceToken"
                                                 : "expectedSequenceToken";
    const char *token =
        answer->body ? json_get_string(answer->body, name) : NULL;

    /* The old service wrote "null" where none is wanted. */
    return token && *token && strcmp(token, "null") ? token : NULL;
}

bool
cwlogs_made(const struct aws_answer *answer)
{
    return answer->outcome == AWS_OK ||
           !strcmp(answer->code, "ResourceAlreadyExistsException");
}

int
cwlogs_names(struct buf *out, const char *group, const char *stream)
{
    buf_clear(out);
    (void)buf_puts(out, "{\"logGroupName\":");
    json_string(out, group);
    if (stream) {
        (void)buf_puts(out, ",\"logStreamName\":");
        json_string(out, stream);
    }
    (void)buf_putc(out, '}');
    return out->failed;
}

int
cwlogs_get_events(struct buf *out, const char *group, const char *stream,
                  int64_t start, int64_t end, const char *token)
{
    (void)cwlogs_names(out, group, stream);
    if (!out->failed)
        buf_truncate(out, out->len - 1); /* the brace */
    (void)buf_printf(out,
                     ",\"startTime\":%" PRId64 ",\"endTime\":%" PRId64
                     ",\"startFromHead\":true",
                     start, end);
    if (token) {
        (void)buf_puts(out, ",\"nextToken\":");
        json_string(out, token);
    }
    (void)buf_putc(out, '}');
    return out->failed;
}

int
cwlogs_retention(struct buf *out, const char *group, int64_t days)
{
    buf_clear(out);
    (void)buf_puts(out, "{\"logGroupName\":");
    json_string(out, group);
    (void)buf_printf(out, ",\"retentionInDays\":%" PRId64 "}", days);
    return out->failed;
}

bool
cwlogs_retention_ok(int64_t days)
{
    static const int16_t known[] = {1,    3,    5,    7,    14,   30,
                                    60,   90,   120,  150,  180,  365,
                                    400,  545,  731,  1096, 1827, 2192,
                                    2557, 2922, 3288, 3653};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i] == days)
            return true;
    return false;
}
