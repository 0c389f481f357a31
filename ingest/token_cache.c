#include "ingest/token_cache.h"

#include "common/siphash.h"
#include "ingest/ids.h"
#include "ingest/jwks.h"
#include "ingest/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = TOKEN_CACHE_MAX };

struct entry {
    struct token token; /* first: a token is its entry */
    unsigned holders;
    struct token_hash hash;
    unsigned char key[JWKS_PRINT_SIZE];
    struct entry *chain;         /* in its bucket */
    struct entry *older, *newer; /* by when they came */
    char text[];
};

struct token_cache {
    EVP_MAC_CTX *ctx;
    unsigned char hash_key[32];
    struct siphash_key bucket_key;
    size_t count;
    struct entry *oldest, *newest;
    struct entry *buckets[BUCKETS];
};

struct token_cache *
token_cache_new(void)
{
    struct token_cache *cache = calloc(1, sizeof(*cache));

    EVP_MAC *poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);

    if (cache)
        cache->ctx = EVP_MAC_CTX_new(poly1305);
    EVP_MAC_free(poly1305); /* the context holds it */
    if (!cache || !cache->ctx) {
        token_cache_free(cache);
        return NULL;
    }
    ids_random(cache->hash_key, sizeof(cache->hash_key));
    ids_random(&cache->bucket_key, sizeof(cache->bucket_key));
    return cache;
}

void
token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    token_cache_clear(cache);
    EVP_MAC_CTX_free(cache->ctx);
    OPENSSL_cleanse(cache->hash_key, sizeof(cache->hash_key));
    free(cache);
}

const struct token *
token_hold(const struct token *token)
{
    ((struct entry *)token)->holders++;
    return token;
}

void
token_release(const struct token *token)
{
    struct entry *entry = (struct entry *)token;

    if (entry && !--entry->holders)
        free(entry);
}

/* Not by the hash's own bits: how long a chain is looked through may be
 * measured, and a universal hash must not be seen. */
static struct entry **
bucket_of(struct token_cache *cache, const struct token_hash *hash)
{
    return &cache->buckets[siphash(&cache->bucket_key, hash->bytes,
                                   sizeof(hash->bytes)) %
                           BUCKETS];
}

static void
hash_of(struct token_cache *cache, struct slice text, struct token_hash *hash)
{
    size_t len;

    if (EVP_MAC_init(cache->ctx, cache->hash_key, sizeof(cache->hash_key),
                     NULL) != 1 ||
        EVP_MAC_update(cache->ctx, (const unsigned char *)text.data,
                       text.len) != 1 ||
        EVP_MAC_final(cache->ctx, hash->bytes, &len, sizeof(hash->bytes)) != 1)
        abort(); /* there is nothing left to fail with */
}

static void
drop(struct token_cache *cache, struct entry *entry)
{
    struct entry **at = bucket_of(cache, &entry->hash);

    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    cache->count--;
    token_release(&entry->token);
}

const struct token *
token_cache_find(struct token_cache *cache, struct slice text, int64_t now_ms,
                 struct token_hash *hash)
{
    struct entry *entry;

    hash_of(cache, text, hash);
    entry = *bucket_of(cache, hash);
    while (entry && CRYPTO_memcmp(&entry->hash, hash, sizeof(*hash)))
        entry = entry->chain;
    if (entry && now_ms >= entry->token.expires_ms) {
        drop(cache, entry);
        entry = NULL;
    }
    return entry ? &entry->token : NULL;
}

static struct entry *
entry_new(const struct token_hash *hash, const struct jwt_claims *claims,
          int64_t skew_ms)
{
    size_t sub = claims->sub_len + 1, groups = claims->groups_len;
    struct entry *entry = calloc(1, sizeof(*entry) + sub + groups);

    if (!entry)
        return NULL;
    memcpy(entry->text, claims->sub, claims->sub_len);
    memcpy(entry->text + sub, claims->groups, groups);
    memcpy(entry->key, claims->key, sizeof(entry->key));
    entry->hash = *hash;
    entry->holders = 1;
    entry->token = (struct token){
        .expires_ms = claims->expires_ms + skew_ms,
        .sub = entry->text,
        .sub_len = claims->sub_len,
        .groups = entry->text + sub,
        .groups_len = groups,
    };
    return entry;
}

const struct token *
token_cache_add(struct token_cache *cache, const struct token_hash *hash,
                const struct jwt_claims *claims, int64_t skew_ms,
                int64_t now_ms)
{
    struct entry *entry = entry_new(hash, claims, skew_ms);
    struct entry **bucket = bucket_of(cache, hash);

    if (!entry)
        return NULL;
    while (cache->oldest && (cache->count == TOKEN_CACHE_MAX ||
                             now_ms >= cache->oldest->token.expires_ms))
        drop(cache, cache->oldest);
    entry->chain = *bucket;
    *bucket = entry;
    entry->older = cache->newest;
    if (cache->newest)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
    cache->count++;
    return &entry->token;
}

void
token_cache_keep(struct token_cache *cache, const struct jwks *jwks)
{
    struct entry *entry, *newer;

    for (entry = cache->oldest; entry; entry = newer) {
        newer = entry->newer;
        if (!jwks_has(jwks, entry->key))
            drop(cache, entry);
    }
}

void
token_cache_clear(struct token_cache *cache)
{
    while (cache->oldest)
        drop(cache, cache->oldest);
}

size_t
token_cache_count(const struct token_cache *cache)
{
    return cache->count;
}
