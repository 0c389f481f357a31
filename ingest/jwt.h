#pragma once

#include "common/slice.h"
#include "ingest/jwks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A Cognito token to who it speaks of: the compact JWS of RFC 7515, RS256 and
 * nothing else, and the claims that an ID or access token has (Cognito
 * Developer Guide, "Verifying JSON web tokens"; RFC 8725).  Pure: the time and
 * the keys are the caller's.
 *
 * What the header says of keys (jku, jwk, x5u, x5c) is ignored.  The payload
 * decides nothing before the signature is verified, but for one thing: a token
 * that is expired or of another issuer anyway does not count as one whose key
 * is unknown, as that may cost a fetch.
 */
enum {
    JWT_TOKEN_MAX = 8 * 1024,
    JWT_SUB_MAX = 128,
    JWT_GROUPS_MAX = 2048, /* bytes of all names, each with its NUL */
    JWT_CLIENTS_MAX = 16,
    JWT_SKEW_MS = 60 * 1000,
};

/*
 *     X(NAME, the reason as logs and entries have it)
 */
#define JWT_VERDICTS(X)                                                        \
    X(OK, "ok")                                                                \
    X(NO_KEYS, "no_keys")                                                      \
    X(TOO_LONG, "too_long")                                                    \
    X(FORM, "malformed")                                                       \
    X(HEADER, "header")                                                        \
    X(ALGORITHM, "algorithm")                                                  \
    X(UNKNOWN_KEY, "unknown_key")                                              \
    X(SIGNATURE, "signature")                                                  \
    X(PAYLOAD, "payload")                                                      \
    X(ISSUER, "issuer")                                                        \
    X(TOKEN_USE, "token_use")                                                  \
    X(AUDIENCE, "audience")                                                    \
    X(EXPIRED, "expired")                                                      \
    X(NOT_YET_VALID, "not_yet_valid")                                          \
    X(SUBJECT, "subject")                                                      \
    X(GROUPS, "groups")

#define JWT_VERDICT_NAME(name, text) JWT_##name,

enum jwt_verdict { JWT_VERDICTS(JWT_VERDICT_NAME) JWT_VERDICT_COUNT };

/** jwt_reason(): "expired" and the like. */
const char *jwt_reason(enum jwt_verdict verdict);

/** Which tokens are taken; all borrowed. */
struct jwt_rules {
    const char *issuer;
    struct slice clients[JWT_CLIENTS_MAX]; /* app client ids */
    size_t client_count;
    bool take_id, take_access;
    int64_t skew_ms; /* of expiry and beginnings */
};

/** What a verified token says. */
struct jwt_claims {
    int64_t expires_ms; /* by the token, without skew */
    size_t sub_len;
    size_t groups_len;
    unsigned char key[JWKS_PRINT_SIZE]; /* whose signature it was */
    char sub[JWT_SUB_MAX];
    char groups[JWT_GROUPS_MAX]; /* names, each with its NUL */
};

/**
 * jwt_verify(): the whole of it.  @jwks may be NULL.
 *
 * Return: JWT_OK with *@claims, or why not.
 */
enum jwt_verdict jwt_verify(const struct jwt_rules *rules,
                            const struct jwks *jwks, struct slice token,
                            int64_t now_ms, struct jwt_claims *claims);

/** jwt_in_group(): of a NUL-separated list as claims have it. */
bool jwt_in_group(const char *groups, size_t len, const char *group);
