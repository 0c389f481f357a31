#include "tests/unit/fake_aws.h"

#include "common/json.h"
#include "tests/check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

struct fake_aws fake_aws;

int
aws_call_start(struct aws *aws, struct aws_call *call)
{
    (void)aws;
    CHECK(!fake_aws.call);
    if (fake_aws.no_memory)
        return -ENOMEM;
    fake_aws.call = call;
    fake_aws.calls++;
    return 0;
}

int64_t
aws_clock_offset_ms(const struct aws *aws, int64_t *age_ms)
{
    (void)aws;
    *age_ms = -1;
    return 0;
}

void
aws_call_cancel(struct aws_call *call)
{
    CHECK(fake_aws.call == call);
    fake_aws.call = NULL;
    fake_aws.cancelled++;
}

void
fake_aws_answer(const char *target, struct aws_answer answer)
{
    struct aws_call *call = fake_aws.call;

    CHECK(call);
    CHECK(!strcmp(call->target, target));
    fake_aws.call = NULL;
    call->done(call, &answer);
}

static void
answer_with(const char *target, struct aws_answer answer, const char *body)
{
    cJSON *tree = json_parse(body, strlen(body));

    CHECK(tree);
    answer.body = tree;
    answer.hint_ms = answer.retry_after_ms = -1;
    fake_aws_answer(target, answer);
    cJSON_Delete(tree);
}

void
fake_aws_ok(const char *target, const char *body)
{
    answer_with(target,
                (struct aws_answer){
                    .outcome = AWS_OK,
                    .status = 200,
                    .code = "",
                    .message = "",
                    .request_id = "r",
                },
                body);
}

void
fake_aws_refuse(const char *target, enum aws_advice advice, const char *code,
                const char *body)
{
    answer_with(target,
                (struct aws_answer){
                    .outcome = AWS_REFUSED,
                    .advice = advice,
                    .status = 400,
                    .code = code,
                    .message = "",
                    .request_id = "r",
                },
                body);
}
