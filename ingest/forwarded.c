#include "ingest/forwarded.h"

#include "common/settings.h"
#include "ingest/request.h"
#include "ingest/request_line.h"

#include <errno.h>
#include <stdlib.h>

enum { HOPS_MAX = 32 }; /* of X-Forwarded-For */

static bool
contains(const struct forwarded_network *network, const struct ip *ip)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (!ip->known || memcmp(network->ip.bytes, ip->bytes, whole))
        return false;
    return !rest ||
           (network->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool
forwarded_trusts(const struct forwarded *forwarded, const struct ip *ip)
{
    for (size_t i = 0; i < forwarded->count; i++)
        if (contains(&forwarded->networks[i], ip))
            return true;
    return false;
}

static bool
parse_network(struct slice word, struct forwarded_network *network)
{
    struct slice bits, address = slice_split(word, '/', &bits);
    uint64_t number;
    unsigned most;

    network->ip = ip_parse(address);
    if (!network->ip.known || memchr(address.data, '[', address.len))
        return false;
    most = ip_is_v4(&network->ip) ? 32 : 128;
    number = most;
    if (bits.data && (!request_length(bits, &number) || number > most))
        return false;
    network->bits = (unsigned)number + (128 - most);
    return true;
}

int
forwarded_load(struct forwarded *forwarded, struct settings *settings)
{
    const char *words = settings->http.trusted_proxies;
    const char *header = settings->http.client_ip_header;
    struct slice word;

    *forwarded = (struct forwarded){0};
    forwarded->networks =
        calloc(strlen(words) / 2 + 1, sizeof(*forwarded->networks));
    if (!forwarded->networks)
        return -ENOMEM;
    while ((word.data = settings_word(&words, &word.len)))
        if (parse_network(word, &forwarded->networks[forwarded->count]))
            forwarded->count++;
        else
            settings_complain(settings, "http.trusted_proxies",
                              "\"%.*s\" is no network: give ADDRESS/BITS, as "
                              "in 10.0.0.0/8 or 2001:db8::/32",
                              (int)word.len, word.data);
    if (!*header)
        return 0;
    forwarded->client_ip_header = strdup(header);
    return forwarded->client_ip_header ? 0 : -ENOMEM;
}

void
forwarded_deinit(struct forwarded *forwarded)
{
    free(forwarded->networks);
    free(forwarded->client_ip_header);
    *forwarded = (struct forwarded){0};
}

/*
 * The rightmost address that is no trusted proxy, over all X-Forwarded-For
 * fields as one list; the leftmost where all of them are.  Something that is
 * no address ends the walk: what stands left of it proves nothing.
 */
static struct ip
walk(const struct forwarded *forwarded, const struct ip *peer,
     const struct request_head *head)
{
    struct ip client = *peer;
    int hops = 0;

    for (size_t i = head->field_count; i-- > 0;) {
        struct slice list = head->fields[i].value;

        if (!slice_is_nocase(head->fields[i].name, "x-forwarded-for"))
            continue;
        while (list.data) {
            const char *comma =
                list.len ? memrchr(list.data, ',', list.len) : NULL;
            struct slice hop = {comma ? comma + 1 : list.data, 0};
            struct ip ip;

            hop.len = list.len - (size_t)(hop.data - list.data);
            ip = ip_parse(hop);
            if (!ip.known || ++hops > HOPS_MAX)
                return client;
            client = ip;
            if (!forwarded_trusts(forwarded, &ip))
                return client;
            list.len = comma ? (size_t)(comma - list.data) : 0;
            list.data = comma ? list.data : NULL;
        }
    }
    return client;
}

static bool
says_something(const struct forwarded *forwarded,
               const struct request_head *head)
{
    return request_field(head, "x-forwarded-for").data ||
           request_field(head, "x-forwarded-host").data ||
           request_field(head, "x-forwarded-proto").data ||
           (forwarded->client_ip_header &&
            request_field(head, forwarded->client_ip_header).data);
}

struct forwarded_client
forwarded_judge(const struct forwarded *forwarded, const struct ip *peer,
                const struct request_head *head)
{
    struct forwarded_client client = {.ip = *peer};
    struct ip named = {0};

    if (!says_something(forwarded, head))
        return client;
    /* A Unix socket is as near as a proxy can be: its mode decides who. */
    if (peer->known && !forwarded_trusts(forwarded, peer)) {
        client.ignored = true;
        return client;
    }
    client.host = request_field(head, "x-forwarded-host");
    if (forwarded->client_ip_header)
        named = ip_parse(request_field(head, forwarded->client_ip_header));
    client.ip = named.known ? named : walk(forwarded, peer, head);
    return client;
}
