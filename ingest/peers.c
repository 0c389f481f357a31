#include "ingest/peers.h"

#include "common/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct peers {
    struct siphash_key key;
    unsigned counts[PEERS_PLACES];
};

struct peers *
peers_new(const uint8_t key[16])
{
    struct peers *peers = calloc(1, sizeof(*peers));

    if (peers)
        memcpy(&peers->key, key, sizeof(peers->key));
    return peers;
}

void
peers_free(struct peers *peers)
{
    free(peers);
}

static unsigned *
count_of(struct peers *peers, const struct ip *ip)
{
    size_t len = ip_is_v4(ip) ? 16 : 8;

    return &peers->counts[siphash(&peers->key, ip->bytes, len) % PEERS_PLACES];
}

unsigned
peers_add(struct peers *peers, const struct ip *ip)
{
    return ++*count_of(peers, ip);
}

void
peers_remove(struct peers *peers, const struct ip *ip)
{
    unsigned *count = count_of(peers, ip);

    assert(*count);
    --*count;
}
