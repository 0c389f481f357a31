/*
 * What an answer means: a row of the decision table each, and where code and
 * status disagree.
 */
#include "common/json.h"
#include "shipper/aws_error.h"
#include "tests/check.h"

#include <cjson/cJSON.h>

/* An answer of which only the interesting part is given. */
struct given {
    int status;
    const char *body; /* NULL: none */
    const char *error_type;
    bool unsent, cut, plain, clock_moved, anonymous;
    const char *retry_after, *hint;
};

struct judged {
    struct aws_answer answer;
    char code[AWS_CODE_MAX];
    cJSON *body;
};

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

static struct aws_answer *
judge(struct judged *judged, const struct given *given)
{
    const char *body = or_empty(given->body);

    judged->body = json_parse(body, strlen(body));
    aws_error_judge(&judged->answer, judged->code,
                    &(struct aws_evidence){
                        .status = given->status,
                        .whole = given->status && !given->cut,
                        .sent = !given->unsent,
                        .gzipped = !given->plain,
                        .clock_moved = given->clock_moved,
                        .transport = given->status ? "" : "reset",
                        .error_type = or_empty(given->error_type),
                        .request_id = given->anonymous ? "" : "id-1",
                        .retry_after = or_empty(given->retry_after),
                        .retry_after_ms = or_empty(given->hint),
                        .now_ms = INT64_C(784111777000),
                        .blank = !*body,
                        .body = judged->body,
                    });
    return &judged->answer;
}

static void
check_outcome(const struct given *given, enum aws_outcome outcome,
              enum aws_advice advice, const char *code)
{
    struct judged judged;
    struct aws_answer *answer = judge(&judged, given);

    fprintf(stderr, "%d %s %s\n", given->status, or_empty(given->body),
            or_empty(given->error_type));
    CHECK_INT(answer->outcome, outcome);
    CHECK_INT(answer->advice, advice);
    CHECK_STR(answer->code, code);
    CHECK(*answer->message);
    cJSON_Delete(judged.body);
}

static void
only_a_200_that_can_be_read_is_a_success(void)
{
    static const char *const good[] = {NULL, "{}", "{\"a\":1}"};
    static const struct given bad[] = {
        {.status = 200, .body = "{}", .anonymous = true},
        {.status = 200, .anonymous = true},
        {.status = 200, .body = "{\"a\":1"},
        {.status = 200, .body = "<html>"},
        {.status = 200, .body = "[]"},
        {.status = 200, .body = "{}", .cut = true},
        {.status = 200, .cut = true},
    };
    struct judged judged;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct given given = {.status = 200, .body = good[i]};
        struct aws_answer *answer = judge(&judged, &given);

        CHECK_INT(answer->outcome, AWS_OK);
        CHECK_STR(answer->code, "");
        CHECK_STR(answer->message, "");
        CHECK_STR(answer->request_id, "id-1");
        CHECK(answer->body == judged.body);
        cJSON_Delete(judged.body);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_outcome(&bad[i], AWS_UNKNOWN, AWS_RETRY, "UnreadableAnswer");
}

static void
without_an_answer_it_matters_whether_the_body_was_out(void)
{
    check_outcome(&(struct given){.unsent = true}, AWS_UNSENT, AWS_RETRY,
                  "NotSent");
    check_outcome(&(struct given){.status = 0}, AWS_UNKNOWN, AWS_RETRY,
                  "NoAnswer");
}

static void
a_status_alone_decides_where_there_is_no_code(void)
{
    static const struct {
        int status;
        enum aws_outcome outcome;
        enum aws_advice advice;
        const char *code;
    } rows[] = {
        {204, AWS_UNKNOWN, AWS_RETRY, "HTTP204"},
        {302, AWS_REFUSED, AWS_RETRY, "HTTP302"},
        {400, AWS_REFUSED, AWS_RETRY, "HTTP400"},
        {401, AWS_REFUSED, AWS_CREDENTIALS, "HTTP401"},
        {403, AWS_REFUSED, AWS_CREDENTIALS, "HTTP403"},
        {404, AWS_REFUSED, AWS_RETRY, "HTTP404"},
        {408, AWS_REFUSED, AWS_RETRY, "HTTP408"},
        {413, AWS_REFUSED, AWS_JUDGE, "RequestEntityTooLargeException"},
        {415, AWS_REFUSED, AWS_ENCODING, "HTTP415"},
        {429, AWS_REFUSED, AWS_SLOW_DOWN, "HTTP429"},
        {500, AWS_UNKNOWN, AWS_RETRY, "HTTP500"},
        {502, AWS_UNKNOWN, AWS_RETRY, "HTTP502"},
        {503, AWS_REFUSED, AWS_RETRY, "HTTP503"},
        {504, AWS_UNKNOWN, AWS_RETRY, "HTTP504"},
        {521, AWS_UNKNOWN, AWS_RETRY, "HTTP521"},
    };
    static const char *const bodies[] = {NULL, "<html>Sorry.</html>", "[]",
                                         "{\"__type\":7}", "{\"__type\":\"\"}"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t j = 0; j < sizeof(bodies) / sizeof(bodies[0]); j++) {
            struct given given = {.status = rows[i].status,
                                  .body = bodies[j],
                                  .anonymous = true};

            check_outcome(&given, rows[i].outcome, rows[i].advice,
                          rows[i].code);
        }
}

static void
nothing_before_the_body_was_out_can_have_stored_it(void)
{
    check_outcome(&(struct given){.status = 200, .unsent = true}, AWS_REFUSED,
                  AWS_RETRY, "UnreadableAnswer");
    check_outcome(&(struct given){.status = 500, .unsent = true}, AWS_REFUSED,
                  AWS_RETRY, "HTTP500");
}

/* "Code status" by the advice that they are for. */
static const struct {
    const char *code;
    int status;
    enum aws_outcome outcome;
    enum aws_advice advice, moved, plain; /* clock moved; body not gzipped */
} code_rows[] = {
#define SAME(advice) advice, advice, advice
    {"Throttling", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"ThrottlingException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"ThrottledException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"RequestThrottled", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"RequestThrottledException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"TooManyRequestsException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"ProvisionedThroughputExceededException", 400, AWS_REFUSED,
     SAME(AWS_SLOW_DOWN)},
    {"TransactionInProgressException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"RequestLimitExceeded", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"BandwidthLimitExceeded", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"LimitExceededException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"SlowDown", 503, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"PriorRequestNotComplete", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"EC2ThrottledException", 400, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},
    {"SomethingElse", 429, AWS_REFUSED, SAME(AWS_SLOW_DOWN)},

    {"ServiceUnavailableException", 503, AWS_REFUSED, SAME(AWS_RETRY)},
    {"ServiceUnavailable", 503, AWS_REFUSED, SAME(AWS_RETRY)},
    {"ServiceUnavailableException", 500, AWS_UNKNOWN, SAME(AWS_RETRY)},
    {"InternalFailure", 500, AWS_UNKNOWN, SAME(AWS_RETRY)},
    {"InternalFailure", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"InternalError", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"InternalServerError", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"InternalServerException", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"InternalServiceError", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"InternalServiceErrorException", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"RequestTimeout", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"RequestTimeoutException", 408, AWS_REFUSED, SAME(AWS_RETRY)},
    {"RequestTimeoutException", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"RequestAbortedException", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"OperationAbortedException", 400, AWS_REFUSED, SAME(AWS_RETRY)},
    {"SomethingElse", 408, AWS_REFUSED, SAME(AWS_RETRY)},
    {"SomethingElse", 500, AWS_UNKNOWN, SAME(AWS_RETRY)},
    {"SomethingElse", 503, AWS_REFUSED, SAME(AWS_RETRY)},

    {"UnrecognizedClientException", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"InvalidClientTokenId", 403, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"InvalidAccessKeyId", 403, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"InvalidToken", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"MissingAuthenticationToken", 403, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"MissingAuthenticationTokenException", 403, AWS_REFUSED,
     SAME(AWS_CREDENTIALS)},
    {"IncompleteSignature", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"IncompleteSignatureException", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"ExpiredToken", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"ExpiredTokenException", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"AccessDenied", 403, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"NotAuthorized", 400, AWS_REFUSED, SAME(AWS_CREDENTIALS)},
    {"OptInRequired", 403, AWS_REFUSED, SAME(AWS_CREDENTIALS)},

    {"InvalidSignatureException", 400, AWS_REFUSED, AWS_CREDENTIALS, AWS_CLOCK,
     AWS_CREDENTIALS},
    {"SignatureDoesNotMatch", 403, AWS_REFUSED, AWS_CREDENTIALS, AWS_CLOCK,
     AWS_CREDENTIALS},
    {"AuthFailure", 400, AWS_REFUSED, AWS_CREDENTIALS, AWS_CLOCK,
     AWS_CREDENTIALS},
    {"AccessDeniedException", 400, AWS_REFUSED, AWS_CREDENTIALS, AWS_CLOCK,
     AWS_CREDENTIALS},
    {"RequestExpired", 400, AWS_REFUSED, AWS_CREDENTIALS, AWS_CLOCK,
     AWS_CREDENTIALS},
    {"RequestTimeTooSkewed", 403, AWS_REFUSED, AWS_RETRY, AWS_CLOCK, AWS_RETRY},
    {"RequestInTheFuture", 400, AWS_REFUSED, AWS_RETRY, AWS_CLOCK, AWS_RETRY},

    {"MalformedHttpRequestException", 400, AWS_REFUSED, AWS_ENCODING,
     AWS_ENCODING, AWS_JUDGE},
    {"SerializationException", 400, AWS_REFUSED, AWS_ENCODING, AWS_ENCODING,
     AWS_JUDGE},
    {"UnsupportedMediaTypeException", 415, AWS_REFUSED, AWS_ENCODING,
     AWS_ENCODING, AWS_JUDGE},

    {"ResourceNotFoundException", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"ResourceAlreadyExistsException", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"InvalidParameterException", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"InvalidSequenceTokenException", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"DataAlreadyAcceptedException", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"UnknownOperationException", 404, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"RequestEntityTooLargeException", 413, AWS_REFUSED, SAME(AWS_JUDGE)},
    {"SomethingElse", 400, AWS_REFUSED, SAME(AWS_JUDGE)},
#undef SAME
};

static void
every_code_has_its_outcome_and_advice(void)
{
    for (size_t i = 0; i < sizeof(code_rows) / sizeof(code_rows[0]); i++) {
        const char *code = code_rows[i].code;
        struct given given = {.status = code_rows[i].status,
                              .error_type = code};

        check_outcome(&given, code_rows[i].outcome, code_rows[i].advice, code);
        given.clock_moved = true;
        check_outcome(&given, code_rows[i].outcome, code_rows[i].moved, code);
        given.clock_moved = false;
        given.plain = true;
        check_outcome(&given, code_rows[i].outcome, code_rows[i].plain, code);
    }
}

static void
a_code_is_found_in_each_of_its_places_and_cleaned(void)
{
    static const struct given rows[] = {
        {.status = 400, .error_type = "FooError"},
        {.status = 400, .error_type = "FooError:http://x/y"},
        {.status = 400, .error_type = "ns#FooError"},
        {.status = 400, .error_type = "ns.v1#FooError:http://x/y#z"},
        {.status = 400, .error_type = "FooError", .body = "{\"code\":\"No\"}"},
        {.status = 400, .body = "{\"__type\":\"a#FooError:b\"}"},
        {.status = 400, .body = "{\"__type\":\"FooError\",\"code\":\"No\"}"},
        {.status = 400, .body = "{\"code\":\"FooError\"}"},
        {.status = 400, .error_type = "#", .body = "{\"code\":\"FooError\"}"},
        {.status = 400, .error_type = "FooError\r\nevil"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_outcome(&rows[i], AWS_REFUSED, AWS_JUDGE, "FooError");
}

static void
check_message(const struct given *given, const char *message)
{
    struct judged judged;

    CHECK_STR(judge(&judged, given)->message, message);
    cJSON_Delete(judged.body);
}

static void
the_message_is_the_services_or_the_connections(void)
{
    check_message(&(struct given){.status = 400,
                                  .body =
                                      "{\"__type\":\"A\",\"message\":\"b\"}"},
                  "b");
    check_message(&(struct given){.status = 400,
                                  .body =
                                      "{\"__type\":\"A\",\"Message\":\"b\"}"},
                  "b");
    check_message(&(struct given){.status = 0}, "reset");
    check_message(&(struct given){.status = 502, .body = "<html>"},
                  "an answer without a reason");
}

static void
hints_are_read_strictly(void)
{
    static const struct {
        const char *retry_after;
        int64_t wanted;
    } rows[] = {
        {"", -1},
        {"0", 0},
        {"3", 3000},
        {"-3", -1},
        {"3.5", -1},
        {"3 ", -1},
        {"99999999999999999999", -1},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
        {"soon", -1},
    };
    struct judged judged;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct given given = {.status = 503,
                              .retry_after = rows[i].retry_after,
                              .hint = "1500"};

        CHECK_INT(judge(&judged, &given)->retry_after_ms, rows[i].wanted);
        CHECK_INT(judged.answer.hint_ms, 1500);
        cJSON_Delete(judged.body);
    }
    CHECK_INT(
        judge(&judged, &(struct given){.status = 503, .hint = "-1"})->hint_ms,
        -1);
    cJSON_Delete(judged.body);
}

static void
what_was_signed_is_not_told(void)
{
    static const char body[] =
        "{\"__type\":\"InvalidSignatureException\",\"message\":\"The "
        "signature does not match.\\n\\nThe Canonical String should have "
        "been\\n'POST\\nx-amz-security-token:SECRET'\"}";
    struct judged judged;
    const struct aws_answer *answer =
        judge(&judged, &(struct given){.status = 400, .body = body});

    CHECK_STR(answer->message, "The signature does not match.");
    cJSON_Delete(judged.body);
}

int
main(void)
{
    what_was_signed_is_not_told();
    only_a_200_that_can_be_read_is_a_success();
    without_an_answer_it_matters_whether_the_body_was_out();
    a_status_alone_decides_where_there_is_no_code();
    nothing_before_the_body_was_out_can_have_stored_it();
    every_code_has_its_outcome_and_advice();
    a_code_is_found_in_each_of_its_places_and_cleaned();
    the_message_is_the_services_or_the_connections();
    hints_are_read_strictly();
    return 0;
}
