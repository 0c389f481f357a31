#include "ingest/rate.h"

#include "common/siphash.h"

#include <stdlib.h>
#include <string.h>

struct bucket {
    uint64_t tag;  /* of the address; 0: nobody's */
    int64_t at_ms; /* when it held these tokens */
    float tokens;
};

struct rate {
    struct siphash_key key;
    size_t sets;
    struct bucket buckets[];
};

struct rate *
rate_new(size_t addresses, const uint8_t key[16])
{
    size_t sets = (addresses + RATE_WAYS - 1) / RATE_WAYS;
    struct rate *rate;

    rate =
        calloc(1, sizeof(*rate) + sets * RATE_WAYS * sizeof(rate->buckets[0]));
    if (!rate)
        return NULL;
    memcpy(&rate->key, key, sizeof(rate->key));
    rate->sets = sets;
    return rate;
}

void
rate_free(struct rate *rate)
{
    free(rate);
}

static uint64_t
tag_of(const struct rate *rate, const struct ip *ip)
{
    size_t len = ip_is_v4(ip) ? 16 : 8;

    return siphash(&rate->key, ip->bytes, len) | 1;
}

/* What a bucket holds now; a clock that went back fills nothing. */
static double
tokens_now(const struct bucket *bucket, double per_s, double burst,
           int64_t now_ms)
{
    double gained = now_ms > bucket->at_ms
                        ? (double)(now_ms - bucket->at_ms) * per_s / 1000
                        : 0;
    double tokens = (double)bucket->tokens + gained;

    return !bucket->tag || tokens > burst ? burst : tokens;
}

/* The address's own bucket, or the fullest of its set in its place. */
static struct bucket *
bucket_of(struct rate *rate, uint64_t tag, double per_s, double burst,
          int64_t now_ms)
{
    struct bucket *set = &rate->buckets[(tag >> 1) % rate->sets * RATE_WAYS];
    struct bucket *fullest = set;

    for (size_t i = 0; i < RATE_WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
        if (tokens_now(&set[i], per_s, burst, now_ms) >
            tokens_now(fullest, per_s, burst, now_ms))
            fullest = &set[i];
    }
    *fullest = (struct bucket){tag, now_ms, (float)burst};
    return fullest;
}

bool
rate_take(struct rate *rate, const struct ip *ip, double per_s, double burst,
          int64_t now_ms)
{
    struct bucket *bucket;
    double tokens;

    if (!ip->known)
        return true;
    bucket = bucket_of(rate, tag_of(rate, ip), per_s, burst, now_ms);
    tokens = tokens_now(bucket, per_s, burst, now_ms);
    bucket->at_ms = now_ms;
    bucket->tokens = (float)(tokens >= 1 ? tokens - 1 : tokens);
    return tokens >= 1;
}
