#pragma once

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

struct jwks;
struct jwt_claims;

/*
 * Tokens that were verified, by their hash, until they expire: a browser
 * sends the same one with each event of an hour, and its signature is worth
 * one look.  Nothing of the token itself is kept.
 *
 * The hash is Poly1305 (RFC 8439, section 2.5) under a key that is drawn at
 * start.  Its values never leave this table, so it is a universal hash:
 * whatever a stranger sends, it meets one of the table with a chance below
 * 2^-80, and at a third of what SHA-256 costs.
 *
 * When the table is full the oldest token goes, and is verified again should
 * it come back.
 */
enum {
    TOKEN_HASH_SIZE = 16,
    TOKEN_CACHE_MAX = 16 * 1024,
};

struct token_hash {
    unsigned char bytes[TOKEN_HASH_SIZE];
};

/** Who a verified token speaks of; whoever keeps it holds it. */
struct token {
    int64_t expires_ms; /* with the skew that was allowed */
    const char *sub;    /* NUL-terminated; the text between quotes of JSON */
    size_t sub_len;
    const char *groups; /* names, each with its NUL */
    size_t groups_len;
};

struct token_cache;

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);

/**
 * token_cache_find(): a token that was verified and has not expired, borrowed
 * until the next call; else NULL.  Either way *@hash is the token's.
 */
const struct token *token_cache_find(struct token_cache *cache,
                                     struct slice text, int64_t now_ms,
                                     struct token_hash *hash);

/**
 * token_cache_add(): one that token_cache_find() did not know.
 *
 * Return: it, borrowed as there, or NULL without memory.
 */
const struct token *token_cache_add(struct token_cache *cache,
                                    const struct token_hash *hash,
                                    const struct jwt_claims *claims,
                                    int64_t skew_ms, int64_t now_ms);

/** token_cache_keep(): only what keys of @jwks have signed. */
void token_cache_keep(struct token_cache *cache, const struct jwks *jwks);

/** token_cache_clear(): other rules hold now. */
void token_cache_clear(struct token_cache *cache);

size_t token_cache_count(const struct token_cache *cache);

const struct token *token_hold(const struct token *token);

/** token_release(): the last holder frees it; NULL is nobody's. */
void token_release(const struct token *token);
