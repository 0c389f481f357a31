#include "shipper/ctl/receipt.h"

#include "common/json.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/web.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char *
text_of(const cJSON *object, const char *name)
{
    const char *text = json_get_string(object, name);

    return text ? text : "";
}

/* RFC 9457, with a code of ours; of `errors` the first. */
static void
take_problem(struct receipt *receipt, int status, const cJSON *problem)
{
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(problem, "errors");
    const cJSON *error = cJSON_GetArrayItem(errors, 0);

    (void)snprintf(receipt->why, sizeof(receipt->why), "%d %s: %s%s%s%s%s%s",
                   status, text_of(problem, "code"), text_of(problem, "detail"),
                   error ? " (" : "", text_of(error, "pointer"),
                   *text_of(error, "pointer") ? ": " : "",
                   text_of(error, "detail"), error ? ")" : "");
}

int
receipt_read(struct receipt *receipt, const struct web_answer *answer)
{
    const cJSON *rejected;
    int code = CTL_FINDINGS;
    cJSON *tree;

    *receipt = (struct receipt){0};
    if (!answer->status) {
        (void)snprintf(receipt->why, sizeof(receipt->why), "%s", answer->error);
        return CTL_UNREACHABLE;
    }
    tree = json_parse(answer->body.data, answer->body.len);
    rejected = cJSON_GetObjectItemCaseSensitive(tree, "rejected");
    (void)snprintf(receipt->request_id, sizeof(receipt->request_id), "%s",
                   text_of(tree, "requestId"));
    (void)snprintf(receipt->identity, sizeof(receipt->identity), "%s",
                   text_of(tree, "identity"));
    (void)json_get_uint(tree, "accepted", &receipt->accepted);
    if (answer->status == 202 && receipt->accepted &&
        !cJSON_GetArraySize(rejected)) {
        code = 0;
    } else if (answer->status == 202 && cJSON_GetArraySize(rejected)) {
        take_problem(receipt, 202, cJSON_GetArrayItem(rejected, 0));
    } else if (tree && *text_of(tree, "code")) {
        take_problem(receipt, answer->status, tree);
    } else {
        (void)snprintf(receipt->why, sizeof(receipt->why),
                       "%d, which is no answer of ingest's", answer->status);
        code = CTL_UNREACHABLE;
    }
    cJSON_Delete(tree);
    return code;
}
