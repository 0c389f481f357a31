/*
 * ingest's own connection and request code with three echo routes, for
 * outside suites: GET / answers OK, POST / the body, /echo the request head.
 */
#include "common/buf.h"
#include "common/settings.h"
#include "common/uuid.h"
#include "ingest/exchange.h"
#include "ingest/ids.h"
#include "ingest/policy.h"
#include "ingest/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static enum problem
admit(struct exchange *exchange)
{
    const struct request_head *head = exchange->head;
    uint8_t id[16];

    ids_uuid7(id, exchange->received_ms);
    uuid_print(exchange->request_id, id);
    if (slice_is(head->path, "/echo"))
        return PROBLEM_NONE;
    if (!slice_is(head->path, "/"))
        return PROBLEM_NOT_FOUND;
    if (head->method == REQUEST_GET || head->method == REQUEST_HEAD ||
        head->method == REQUEST_OPTIONS)
        return PROBLEM_NONE;
    if (head->method != REQUEST_POST) {
        exchange->allow_methods = "Allow: GET, HEAD, POST, OPTIONS\r\n";
        return PROBLEM_METHOD_NOT_ALLOWED;
    }
    return head->body == REQUEST_NO_BODY ? PROBLEM_LENGTH_REQUIRED
                                         : PROBLEM_NONE;
}

static void
echo_head(const struct request_head *head, struct buf *out)
{
    (void)buf_printf(out, "%.*s\n", (int)head->path.len, head->path.data);
    for (size_t i = 0; i < head->field_count; i++)
        (void)buf_printf(out, "%.*s: %.*s\n", (int)head->fields[i].name.len,
                         head->fields[i].name.data,
                         (int)head->fields[i].value.len,
                         head->fields[i].value.data);
}

static void
handle(struct exchange *exchange)
{
    struct exchange_reply reply = {.status = 200, .type = "text/plain"};
    struct buf text;

    buf_init(&text, 4 * REQUEST_HEAD_MAX);
    if (slice_is(exchange->head->path, "/echo")) {
        echo_head(exchange->head, &text);
        reply.body = (struct slice){text.data, text.len};
    } else if (exchange->method == REQUEST_POST) {
        reply.body = exchange->body;
    } else {
        reply.body = SLICE("OK");
    }
    exchange_reply(exchange, &reply);
    buf_deinit(&text);
}

int
main(int argc, char **argv)
{
    static struct server server = {.admit = admit, .handle = handle};
    struct settings settings;
    struct policy *policy;
    char address[32];

    if (argc != 2) {
        fprintf(stderr, "Usage: http_probe PORT\n");
        return 64;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
    (void)setenv("CLICKSPOOL_LISTEN_PUBLIC", address, 1);
    (void)setenv("CLICKSPOOL_LISTEN_ADMIN", "", 1);
    if (settings_load(&settings, "/dev/null", true) < 0 ||
        policy_new(&policy, &settings) < 0 ||
        server_open(&server, uv_default_loop(), &settings, policy) < 0)
        return 74;
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
