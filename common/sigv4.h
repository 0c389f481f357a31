#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * AWS Signature Version 4: a request and a key to a signature, in a header or
 * in a URL.  Pure: the time is the caller's, and nothing is sent.
 *
 * The key that signs is derived from the secret and good for one UTC day, one
 * region and one service; whoever holds it can sign without the secret.
 */
enum {
    SIGV4_KEY_SIZE = 32,
    SIGV4_HEX_SIZE = 65,   /* a hash or a signature, and its NUL */
    SIGV4_STAMP_SIZE = 17, /* 20260102T030405Z, and its NUL */
    SIGV4_PAIRS_MAX = 64,  /* headers, or parameters, of one request */
    SIGV4_UNSUPPORTED = 1, /* more of them, or a request of over 256 KiB */
};

/** What stands for the hash of a payload that is not signed (S3 only). */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct sigv4_pair {
    struct slice name, value;
};

/** What a derived key is good for; `stamp` is the time of signing. */
struct sigv4_scope {
    char stamp[SIGV4_STAMP_SIZE];
    const char *region;
    const char *service; /* the signing name: "logs" */
};

/** All borrowed. */
struct sigv4_signer {
    struct sigv4_scope scope;
    const char *access_key;
    const unsigned char *key; /* SIGV4_KEY_SIZE bytes, derived */
};

/** All borrowed; query and headers in any order, names in any case. */
struct sigv4_request {
    const char *method;
    const char *path; /* S3: the raw key; others: as it stands in the URL */
    bool normalize;   /* resolve "." and ".." and "//" first: not for S3 */
    const struct sigv4_pair *query; /* raw, not percent-encoded */
    size_t query_count;
    const struct sigv4_pair *headers;
    size_t header_count;
    const char *payload_hash; /* sigv4_hash() of the body, or unsigned */
};

/** sigv4_stamp(): @ms since 1970, which lies within the years 0 to 9999. */
void sigv4_stamp(char stamp[SIGV4_STAMP_SIZE], int64_t ms);

/**
 * sigv4_hash(): SHA-256 of the bytes, in hexadecimal.
 *
 * Return: 0, or -ENOMEM where OpenSSL fails.
 */
int sigv4_hash(char hex[SIGV4_HEX_SIZE], const void *bytes, size_t len);

/**
 * sigv4_derive_key(): the key for @scope's day, region and service, for
 * OPENSSL_cleanse() after use.
 *
 * Return: 0, or -ENOMEM where OpenSSL fails.
 */
int sigv4_derive_key(unsigned char key[SIGV4_KEY_SIZE], const char *secret,
                     const struct sigv4_scope *scope);

/**
 * sigv4_authorize(): append the value of the Authorization header.  Every
 * header of @request is signed, but for those that proxies change; so it has
 * Host, X-Amz-Date with the scope's stamp, and whatever else of X-Amz- is sent.
 *
 * Return: 0, SIGV4_UNSUPPORTED, -ENOBUFS where @out is full, or -ENOMEM.
 */
int sigv4_authorize(struct buf *out, const struct sigv4_request *request,
                    const struct sigv4_signer *signer);

/**
 * sigv4_presign(): append path and query of a URL that carries its own
 * signature for @expires_s seconds.  What of X-Amz- the query needs is put
 * there, with @token where it is not NULL; whoever uses the URL has to send
 * the headers of @request.
 *
 * Return: as sigv4_authorize().
 */
int sigv4_presign(struct buf *out, const struct sigv4_request *request,
                  const struct sigv4_signer *signer, const char *token,
                  int64_t expires_s);
