#include "ingest/exchange.h"

#include "common/buf.h"
#include "common/json.h"

#include <stdio.h>

enum { PROBLEM_BODY_MAX = 1024 * 1024 };

void
exchange_reply(struct exchange *exchange, const struct exchange_reply *reply)
{
    exchange->send(exchange, reply);
}

void
exchange_problem(struct exchange *exchange, enum problem problem,
                 const char *detail, struct slice errors, const char *headers)
{
    const struct problem_info *info = problem_info(problem);
    char lines[256] = "";
    struct buf body;

    exchange->refused = info;
    buf_init(&body, PROBLEM_BODY_MAX);
    (void)buf_printf(&body,
                     "{\"type\":\"about:blank\",\"title\":\"%s\","
                     "\"status\":%d,\"code\":\"%s\",\"detail\":",
                     problem_reason(info->status), info->status, info->code);
    json_string(&body, detail ? detail : info->detail);
    (void)buf_printf(&body, ",\"requestId\":\"%s\"", exchange->request_id);
    if (errors.len) {
        (void)buf_puts(&body, ",\"errors\":[");
        (void)buf_append(&body, errors.data, errors.len);
        (void)buf_putc(&body, ']');
    }
    (void)buf_puts(&body, "}\n");

    /* RFC 9110, section 15.5.2: a 401 says how to do better; RFC 6750,
     * section 3.1: and that a token was there, but nothing that helps to
     * forge one. */
    if (info->status == 401)
        headers = problem == PROBLEM_MISSING_TOKEN
                      ? "WWW-Authenticate: Bearer\r\n"
                      : "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
    if (info->retry_after_s)
        (void)snprintf(lines, sizeof(lines), "Retry-After: %d\r\n%s",
                       info->retry_after_s, headers ? headers : "");
    else if (headers)
        (void)snprintf(lines, sizeof(lines), "%s", headers);
    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = info->status,
                                 .type = "application/problem+json",
                                 .headers = lines,
                                 .body = {body.data, body.len},
                             });
    buf_deinit(&body);
}
