#pragma once

#include "common/slice.h"
#include "ingest/ip.h"

#include <stdbool.h>
#include <stddef.h>

struct request_head;
struct settings;

/*
 * Who the client is behind trusted proxies.  What X-Forwarded-For and its
 * kin say is believed only where the connection itself comes from a trusted
 * network, and then from the right, hop by trusted hop: the rest of the list
 * is what anybody may have written there.
 */

struct forwarded_network {
    struct ip ip;
    unsigned bits;
};

struct forwarded {
    struct forwarded_network *networks;
    size_t count;
    char *client_ip_header; /* or NULL */
};

/** forwarded_load(): complains about what is no CIDR or field name. */
int forwarded_load(struct forwarded *forwarded, struct settings *settings);
void forwarded_deinit(struct forwarded *forwarded);

/** forwarded_trusts(): whether @ip is a trusted proxy's. */
bool forwarded_trusts(const struct forwarded *forwarded, const struct ip *ip);

struct forwarded_client {
    struct ip ip;
    struct slice host; /* X-Forwarded-Host, believed; or NULL data */
    bool ignored;      /* there were such fields, but from an untrusted peer */
};

struct forwarded_client forwarded_judge(const struct forwarded *forwarded,
                                        const struct ip *peer,
                                        const struct request_head *head);
