#pragma once

#include "common/slice.h"
#include "ingest/jwks.h"
#include "ingest/jwt.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * The compact form of a signed token (RFC 7515): its three parts, what its
 * header demands, and whether a key has signed it.  Pure.
 */
struct jws {
    struct slice signed_part; /* header.payload, as received */
    struct slice payload;     /* still encoded */
    size_t signature_len;
    size_t kid_len; /* 0: the header names no key */
    char kid[JWKS_KID_MAX];
    uint8_t signature[JWKS_BYTES_MAX + 8];
};

/** jws_parse(): Return: JWT_OK, JWT_TOO_LONG, JWT_FORM, JWT_HEADER or
 * JWT_ALGORITHM. */
enum jwt_verdict jws_parse(struct jws *jws, struct slice token);

/** jws_payload(): decoded, into @out of JWT_TOKEN_MAX bytes.  Return: its
 * length, or a negative errno. */
ssize_t jws_payload(const struct jws *jws, uint8_t out[JWT_TOKEN_MAX]);
