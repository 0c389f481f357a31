#include "ingest/tail.h"

#include "common/buf.h"
#include "common/json.h"
#include "ingest/exchange.h"
#include "ingest/policy.h"
#include "ingest/token_cache.h"

static bool
is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == '"' || text.data[i] == '\\' ||
            text.data[i] == 0x7f)
            return false; /* a negative char is < ' ' as well */
    return true;
}

/* Header bytes are anything; an entry is UTF-8. */
static void
write_agent(struct buf *out, const struct exchange *exchange)
{
    struct slice agent = request_field(exchange->head, "user-agent");

    if (!exchange->policy->keep_user_agent || !agent.len)
        return;
    if (agent.len > TAIL_AGENT_MAX)
        agent.len = TAIL_AGENT_MAX;
    (void)buf_puts(out, ",\"userAgent\":\"");
    if (is_plain(agent))
        (void)buf_append(out, agent.data, agent.len);
    else
        json_escape_printable(out, agent.data, agent.len);
    (void)buf_putc(out, '"');
}

static void
write_address(struct buf *out, const struct exchange *exchange)
{
    const char *shown = exchange->client_ip;
    char text[EXCHANGE_IP_SIZE];
    struct ip network;

    if (exchange->policy->source_ip == POLICY_IP_NONE ||
        !exchange->client.known)
        return;
    if (exchange->policy->source_ip == POLICY_IP_NETWORK) {
        network = ip_network(&exchange->client);
        ip_print(&network, text);
        shown = text;
    }
    (void)buf_puts(out, ",\"sourceIp\":\"");
    (void)buf_puts(out, shown);
    (void)buf_putc(out, '"');
}

/* A verified token's subject is text that needs no escapes. */
static void
write_identity(struct buf *out, const struct exchange *exchange)
{
    const struct token *token = exchange->token;

    if (!token) {
        (void)buf_puts(out, "\"userLoginState\":\"guest\","
                            "\"identitySource\":\"client\"");
        return;
    }
    (void)buf_puts(out, "\"userId\":\"");
    (void)buf_append(out, token->sub, token->sub_len);
    (void)buf_puts(out, "\",\"userLoginState\":\"authenticated\","
                        "\"identitySource\":\"cognito\"");
}

struct tail
tail_write(struct buf *out, const struct exchange *exchange,
           const struct tail_facts *facts)
{
    int64_t us = facts->now_us - exchange->received_us;
    size_t anonymous;

    buf_clear(out);
    (void)buf_puts(out, "\"logCategory\":\"");
    (void)buf_puts(out, facts->category);
    (void)buf_puts(out, "\",");
    write_identity(out, exchange);
    (void)buf_puts(out, ",\"path\":\"");
    (void)buf_append(out, exchange->head->path.data, exchange->head->path.len);
    (void)buf_puts(out, "\",\"method\":\"POST\",\"statusCode\":");
    (void)buf_number(out, (uint64_t)facts->status);
    (void)buf_puts(out, ",\"latencyMs\":");
    (void)buf_number(out, (uint64_t)us / 1000);
    (void)buf_puts(out, ",\"requestId\":\"");
    (void)buf_puts(out, exchange->request_id);
    (void)buf_putc(out, '"');
    anonymous = out->len;
    write_agent(out, exchange);
    write_address(out, exchange);
    return (struct tail){
        .full = {out->data, out->len},
        .anonymous = {out->data, anonymous},
    };
}
