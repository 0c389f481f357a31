#include "shipper/aws_error.h"

#include "common/json.h"
#include "common/timefmt.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Codes that AWS_JUDGE would not do for. */
enum kind {
    KIND_RETRY,
    KIND_THROTTLED,
    KIND_CREDENTIALS,
    KIND_SIGNATURE, /* of the credentials, unless it is the clock */
    KIND_TIME,      /* of the clock, or of a call that was under way long */
    KIND_ENCODING,
};

static const struct {
    const char *code;
    enum kind kind;
} codes[] = {
    {"AccessDenied", KIND_CREDENTIALS},
    {"AccessDeniedException", KIND_SIGNATURE},
    {"AuthFailure", KIND_SIGNATURE},
    {"BandwidthLimitExceeded", KIND_THROTTLED},
    {"EC2ThrottledException", KIND_THROTTLED},
    {"ExpiredToken", KIND_CREDENTIALS},
    {"ExpiredTokenException", KIND_CREDENTIALS},
    {"IncompleteSignature", KIND_CREDENTIALS},
    {"IncompleteSignatureException", KIND_CREDENTIALS},
    {"InternalError", KIND_RETRY},
    {"InternalFailure", KIND_RETRY},
    {"InternalServerError", KIND_RETRY},
    {"InternalServerException", KIND_RETRY},
    {"InternalServiceError", KIND_RETRY},
    {"InternalServiceErrorException", KIND_RETRY},
    {"InvalidAccessKeyId", KIND_CREDENTIALS},
    {"InvalidClientTokenId", KIND_CREDENTIALS},
    {"InvalidSignatureException", KIND_SIGNATURE},
    {"InvalidToken", KIND_CREDENTIALS},
    {"LimitExceededException", KIND_THROTTLED},
    {"MalformedHttpRequestException", KIND_ENCODING},
    {"MissingAuthenticationToken", KIND_CREDENTIALS},
    {"MissingAuthenticationTokenException", KIND_CREDENTIALS},
    {"NotAuthorized", KIND_CREDENTIALS},
    {"OperationAbortedException", KIND_RETRY},
    {"OptInRequired", KIND_CREDENTIALS},
    {"PriorRequestNotComplete", KIND_THROTTLED},
    {"ProvisionedThroughputExceededException", KIND_THROTTLED},
    {"RequestAbortedException", KIND_RETRY},
    {"RequestExpired", KIND_SIGNATURE},
    {"RequestInTheFuture", KIND_TIME},
    {"RequestLimitExceeded", KIND_THROTTLED},
    {"RequestThrottled", KIND_THROTTLED},
    {"RequestThrottledException", KIND_THROTTLED},
    {"RequestTimeTooSkewed", KIND_TIME},
    {"RequestTimeout", KIND_RETRY},
    {"RequestTimeoutException", KIND_RETRY},
    {"SerializationException", KIND_ENCODING},
    {"ServiceUnavailable", KIND_RETRY},
    {"ServiceUnavailableException", KIND_RETRY},
    {"SignatureDoesNotMatch", KIND_SIGNATURE},
    {"SlowDown", KIND_THROTTLED},
    {"ThrottledException", KIND_THROTTLED},
    {"Throttling", KIND_THROTTLED},
    {"ThrottlingException", KIND_THROTTLED},
    {"TooManyRequestsException", KIND_THROTTLED},
    {"TransactionInProgressException", KIND_THROTTLED},
    {"UnrecognizedClientException", KIND_CREDENTIALS},
};

/* What may stand in a code; it ends where something else does. */
static size_t
code_length(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char)text[len]) ||
           (text[len] && strchr("._-", text[len])))
        len++;
    return len;
}

/* "ns#Code:http://x/y" to "Code"; false where nothing is left. */
static bool
clean(char code[AWS_CODE_MAX], const char *type)
{
    size_t end = type ? strcspn(type, ":") : 0;
    const char *hash = end ? memchr(type, '#', end) : NULL;
    const char *from = hash ? hash + 1 : type;
    size_t len = from ? code_length(from) : 0;

    if (!len || len >= AWS_CODE_MAX)
        return false;
    memcpy(code, from, len);
    code[len] = '\0';
    return true;
}

/* The service's own code, from the places where it may stand. */
static bool
find_code(char code[AWS_CODE_MAX], const struct aws_evidence *evidence)
{
    return clean(code, evidence->error_type) ||
           clean(code, json_get_string(evidence->body, "__type")) ||
           clean(code, json_get_string(evidence->body, "code"));
}

static enum aws_advice
advice_of(enum kind kind, const struct aws_evidence *evidence)
{
    switch (kind) {
    case KIND_RETRY:
        return AWS_RETRY;
    case KIND_THROTTLED:
        return AWS_SLOW_DOWN;
    case KIND_CREDENTIALS:
        return AWS_CREDENTIALS;
    case KIND_SIGNATURE:
        return evidence->clock_moved ? AWS_CLOCK : AWS_CREDENTIALS;
    case KIND_TIME:
        return evidence->clock_moved ? AWS_CLOCK : AWS_RETRY;
    case KIND_ENCODING:
        return evidence->gzipped ? AWS_ENCODING : AWS_JUDGE;
    }
    return AWS_RETRY;
}

/*
 * A status whose meaning no code can change comes first; then the service's
 * code.  A code that is none of the table's is of the operation, but only a
 * 4xx says that the operation is at fault.
 */
static enum aws_advice
advice_by_code(const char *code, const struct aws_evidence *evidence)
{
    if (evidence->status == 429)
        return AWS_SLOW_DOWN;
    if (evidence->status == 415 && evidence->gzipped)
        return AWS_ENCODING;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (!strcmp(codes[i].code, code))
            return advice_of(codes[i].kind, evidence);
    return evidence->status / 100 == 4 && evidence->status != 408 ? AWS_JUDGE
                                                                  : AWS_RETRY;
}

/*
 * Without a code it was a proxy, a page, or the wrong server that answered:
 * nothing to judge a batch by, but for the size that a proxy may limit.
 */
static enum aws_advice
advice_by_status(const struct aws_evidence *evidence)
{
    switch (evidence->status) {
    case 401:
    case 403:
        return AWS_CREDENTIALS;
    case 413:
        return AWS_JUDGE;
    case 415:
        return evidence->gzipped ? AWS_ENCODING : AWS_RETRY;
    case 429:
        return AWS_SLOW_DOWN;
    default:
        return AWS_RETRY;
    }
}

/*
 * Who says 503, or no to the caller, has not carried the call out.  Any other
 * 5xx may come from in front of a service that has, and so may a 2xx or 3xx.
 */
static enum aws_outcome
outcome_of(const struct aws_evidence *evidence)
{
    if (!evidence->status)
        return evidence->sent ? AWS_UNKNOWN : AWS_UNSENT;
    if (!evidence->sent || evidence->status == 503 ||
        evidence->status / 100 == 4 || evidence->status / 100 == 3)
        return AWS_REFUSED;
    return AWS_UNKNOWN;
}

static bool
is_success(const struct aws_evidence *evidence)
{
    return evidence->status == 200 && evidence->whole && evidence->sent &&
           *evidence->request_id &&
           (cJSON_IsObject(evidence->body) || evidence->blank);
}

/* A whole number that is all of @text, or -1. */
static int64_t
number_of(const char *text)
{
    int64_t number = 0;
    size_t len = strlen(text);

    if (!len || len > 15)
        return -1;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return -1;
        number = number * 10 + (*text - '0');
    }
    return number;
}

/* Retry-After: seconds, or the date to wait for. */
static int64_t
retry_after_ms(const char *text, int64_t now_ms)
{
    int64_t seconds = number_of(text), date_ms;

    if (seconds >= 0)
        return seconds * 1000;
    if (!timefmt_parse_http(text, strlen(text), &date_ms))
        return -1;
    return date_ms > now_ms ? date_ms - now_ms : 0;
}

/* A service that refuses a signature answers with all that it would have
 * signed, the session token among it: behind the first line. */
static char *
first_line(const struct cJSON *body, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);

    if (!cJSON_IsString(item))
        return NULL;
    item->valuestring[strcspn(item->valuestring, "\r\n")] = '\0';
    return item->valuestring;
}

static const char *
message_of(const struct aws_evidence *evidence)
{
    const char *message = first_line(evidence->body, "message");

    if (!message)
        message = first_line(evidence->body, "Message");
    if (message && *message)
        return message;
    if (*evidence->transport)
        return evidence->transport;
    return evidence->status == 200 ? "an answer that cannot be read"
                                   : "an answer without a reason";
}

/* Our own code for what the service did not name. */
static void
name_status(char code[AWS_CODE_MAX], const struct aws_evidence *evidence)
{
    if (!evidence->status)
        (void)snprintf(code, AWS_CODE_MAX, "%s",
                       evidence->sent ? "NoAnswer" : "NotSent");
    else if (evidence->status == 200)
        (void)snprintf(code, AWS_CODE_MAX, "UnreadableAnswer");
    else if (evidence->status == 413)
        (void)snprintf(code, AWS_CODE_MAX, "RequestEntityTooLargeException");
    else
        (void)snprintf(code, AWS_CODE_MAX, "HTTP%d", evidence->status);
}

void
aws_error_judge(struct aws_answer *answer, char code[AWS_CODE_MAX],
                const struct aws_evidence *evidence)
{
    *code = '\0';
    *answer = (struct aws_answer){
        .status = evidence->status,
        .code = code,
        .message = "",
        .request_id = evidence->request_id,
        .body = cJSON_IsObject(evidence->body) ? evidence->body : NULL,
        .hint_ms = number_of(evidence->retry_after_ms),
        .retry_after_ms =
            retry_after_ms(evidence->retry_after, evidence->now_ms),
    };
    if (is_success(evidence)) {
        answer->outcome = AWS_OK;
        return;
    }
    answer->outcome = outcome_of(evidence);
    answer->message = message_of(evidence);
    if (evidence->status / 100 >= 4 && find_code(code, evidence)) {
        answer->advice = advice_by_code(code, evidence);
    } else {
        answer->advice = advice_by_status(evidence);
        name_status(code, evidence);
    }
}
