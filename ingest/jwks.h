#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * An issuer's key set (RFC 7517), as far as RS256 can use it.  Immutable once
 * parsed; whoever keeps it holds it.
 *
 * A key that cannot verify RS256 is skipped: of another type, for another use
 * or algorithm, weaker than 2048 bits, with an even or tiny exponent.  Two
 * keys of one kid are ambiguous and spoil the set.
 */
enum {
    JWKS_KEYS_MAX = 32,
    JWKS_KID_MAX = 256,
    JWKS_BITS_MIN = 2048,
    JWKS_BITS_MAX = 8192,
    JWKS_BYTES_MAX = JWKS_BITS_MAX / 8,
};

struct jwks;
struct jwks_key;

/**
 * jwks_parse(): @text is a JSON object with an array `keys`, and others.
 *
 * Return: 0 with one holder; -EINVAL where it is no set, or has a kid twice or
 * too many keys; -ENOMEM.  A set in which no key is usable is a set.
 */
int jwks_parse(struct jwks **jwks, struct slice text);

struct jwks *jwks_hold(struct jwks *jwks);

/** jwks_release(): the last holder frees it; NULL is nobody's. */
void jwks_release(struct jwks *jwks);

size_t jwks_count(const struct jwks *jwks);

/** jwks_find(): the usable key of that id, compared byte for byte, or NULL. */
const struct jwks_key *jwks_find(const struct jwks *jwks, struct slice kid);

/** jwks_only(): the key of a set that has just one, whatever its id. */
const struct jwks_key *jwks_only(const struct jwks *jwks);

/**
 * jwks_verify(): RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3) over
 * @input.
 *
 * Return: whether @signature is this key's.
 */
bool jwks_verify(const struct jwks_key *key, struct slice input,
                 const unsigned char *signature, size_t len);

enum { JWKS_PRINT_SIZE = 32 };

/** jwks_print(): the key's SHA-256 thumbprint: the same in every set. */
const unsigned char *jwks_print(const struct jwks_key *key);

/** jwks_has(): is a key with that thumbprint in the set? */
bool jwks_has(const struct jwks *jwks, const unsigned char print[]);
