#include "ingest/tail.h"

#include "common/buf.h"
#include "common/json.h"
#include "ingest/exchange.h"
#include "ingest/policy.h"

static bool
is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == '"' ||
            text.data[i] == '\\' || text.data[i] == 0x7f)
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
    struct ip ip = exchange->client;
    char text[EXCHANGE_IP_SIZE];

    if (exchange->policy->source_ip == POLICY_IP_NONE || !ip.known)
        return;
    if (exchange->policy->source_ip == POLICY_IP_NETWORK)
        ip = ip_network(&ip);
    ip_print(&ip, text);
    (void)buf_puts(out, ",\"sourceIp\":\"");
    (void)buf_puts(out, text);
    (void)buf_putc(out, '"');
}

struct tail
tail_write(struct buf *out, const struct exchange *exchange, int64_t now_us)
{
    size_t anonymous;

    buf_clear(out);
    (void)buf_puts(out, "\"logCategory\":\"business\","
                        "\"userLoginState\":\"guest\","
                        "\"identitySource\":\"client\",\"path\":\"");
    (void)buf_append(out, exchange->head->path.data, exchange->head->path.len);
    (void)buf_puts(out, "\",\"method\":\"POST\",\"statusCode\":202,"
                        "\"latencyMs\":");
    (void)buf_number(out, (uint64_t)(now_us - exchange->received_us) / 1000);
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
