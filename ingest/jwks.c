#include "ingest/jwks.h"

#include "ingest/base64url.h"
#include "ingest/scan.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdlib.h>

struct jwks_key {
    EVP_PKEY *pkey;
    size_t signature_len; /* of the modulus, in bytes */
    unsigned char print[JWKS_PRINT_SIZE];
    size_t kid_len;
    char kid[JWKS_KID_MAX];
};

struct jwks {
    unsigned holders;
    size_t count;
    struct jwks_key keys[JWKS_KEYS_MAX];
};

/* A JWK's members, as they stand in the text; absent: NULL data. */
struct jwk {
    struct slice kty, use, alg, kid, n, e;
    bool ops, ops_verify;
    bool odd; /* a member of the wrong kind, or with escapes */
};

/* `key_ops` is there: does it contain "verify"? */
static bool
ops_have_verify(const struct scan_value *ops)
{
    struct scan scan;
    struct scan_value value;
    struct slice unused;
    bool escaped, found = false;

    if (ops->kind != SCAN_ARRAY || scan_open(&scan, ops->bytes) != SCAN_FOUND)
        return false;
    while (scan_next(&scan, &unused, &escaped, &value) == SCAN_FOUND)
        if (value.kind == SCAN_STRING && slice_is(scan_text(&value), "verify"))
            found = true;
    return found;
}

static void
take_member(struct jwk *jwk, struct slice name, const struct scan_value *value)
{
    const struct {
        const char *name;
        struct slice *text;
    } texts[] = {{"kty", &jwk->kty}, {"use", &jwk->use}, {"alg", &jwk->alg},
                 {"kid", &jwk->kid}, {"n", &jwk->n},     {"e", &jwk->e}};

    if (slice_is(name, "key_ops")) {
        jwk->ops = true;
        jwk->ops_verify = ops_have_verify(value);
        return;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (!slice_is(name, texts[i].name))
            continue;
        if (value->kind == SCAN_STRING && !value->escaped)
            *texts[i].text = scan_text(value);
        else
            jwk->odd = true;
    }
}

static bool
read_members(struct jwk *jwk, const struct scan_value *object)
{
    struct scan scan;
    struct scan_value value;
    struct slice name;
    bool escaped;

    *jwk = (struct jwk){.odd = object->crowded || object->odd};
    if (object->kind != SCAN_OBJECT ||
        scan_open(&scan, object->bytes) != SCAN_FOUND)
        return false;
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND)
        take_member(jwk, name, &value);
    return !jwk->odd;
}

/* RFC 7517 sections 4.2 to 4.4; the kid may be absent in a set of one. */
static bool
is_for_rs256(const struct jwk *jwk)
{
    return slice_is(jwk->kty, "RSA") &&
           (!jwk->use.data || slice_is(jwk->use, "sig")) &&
           (!jwk->alg.data || slice_is(jwk->alg, "RS256")) &&
           (!jwk->ops || jwk->ops_verify) && jwk->n.len && jwk->e.len &&
           jwk->kid.len <= JWKS_KID_MAX;
}

/* RFC 7518 section 6.3.1: base64url of the big-endian number. */
static BIGNUM *
number_of(struct slice text)
{
    uint8_t bytes[BASE64URL_DECODED(JWKS_BYTES_MAX * 4 / 3 + 8)];
    ssize_t len;

    if (text.len > JWKS_BYTES_MAX * 4 / 3 + 4)
        return NULL;
    len = base64url_decode(bytes, text);
    return len > 0 ? BN_bin2bn(bytes, (int)len, NULL) : NULL;
}

static bool
is_strong(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);

    return bits >= JWKS_BITS_MIN && bits <= JWKS_BITS_MAX && BN_is_odd(n) &&
           BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 64;
}

static EVP_PKEY *
public_key(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (build && ctx &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        params = OSSL_PARAM_BLD_to_param(build);
    if (params && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* Of what makes a key this key: n and e as their numbers. */
static bool
print_of(unsigned char print[JWKS_PRINT_SIZE], const BIGNUM *n, const BIGNUM *e)
{
    unsigned char bytes[JWKS_BYTES_MAX + 8];
    int len = BN_bn2bin(n, bytes);

    return BN_bn2binpad(e, bytes + len, 8) == 8 &&
           SHA256(bytes, (size_t)len + 8, print);
}

/* Return: 0 with *@key, 1 where it is of no use here, or -ENOMEM. */
static int
make_key(struct jwks_key *key, const struct jwk *jwk)
{
    BIGNUM *n = number_of(jwk->n), *e = number_of(jwk->e);
    int r = 1;

    if (n && e && is_strong(n, e)) {
        key->pkey = public_key(n, e);
        key->signature_len = (size_t)BN_num_bytes(n);
        r = key->pkey && print_of(key->print, n, e) ? 0 : -ENOMEM;
    }
    if (!r && jwk->kid.len)
        memcpy(key->kid, jwk->kid.data, jwk->kid.len);
    key->kid_len = jwk->kid.len;
    BN_free(n);
    BN_free(e);
    return r;
}

static int
take_key(struct jwks *jwks, const struct scan_value *object)
{
    struct jwks_key *key = &jwks->keys[jwks->count];
    struct jwk jwk;
    int r;

    if (!read_members(&jwk, object) || !is_for_rs256(&jwk))
        return 0;
    if (jwks->count == JWKS_KEYS_MAX || jwks_find(jwks, jwk.kid))
        return -EINVAL;
    r = make_key(key, &jwk);
    if (!r)
        jwks->count++;
    return r < 0 ? r : 0;
}

static int
take_keys(struct jwks *jwks, const struct scan_value *array)
{
    struct scan_value value;
    struct slice unused;
    struct scan scan;
    bool escaped;
    int r = 0;

    if (array->kind != SCAN_ARRAY ||
        scan_open(&scan, array->bytes) != SCAN_FOUND)
        return -EINVAL;
    while (!r && scan_next(&scan, &unused, &escaped, &value) == SCAN_FOUND)
        r = take_key(jwks, &value);
    return r;
}

int
jwks_parse(struct jwks **parsed, struct slice text)
{
    struct jwks *jwks = calloc(1, sizeof(*jwks));
    struct scan_value document, value;
    struct slice name;
    struct scan scan;
    bool escaped;
    int r = -EINVAL;

    if (!jwks)
        return -ENOMEM;
    jwks->holders = 1;
    if (scan_document(text, &document) == SCAN_FOUND &&
        document.kind == SCAN_OBJECT && !document.crowded &&
        scan_open(&scan, document.bytes) == SCAN_FOUND)
        while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND)
            if (slice_is(name, "keys"))
                r = take_keys(jwks, &value);
    if (r < 0) {
        jwks_release(jwks);
        return r;
    }
    *parsed = jwks;
    return 0;
}

struct jwks *
jwks_hold(struct jwks *jwks)
{
    jwks->holders++;
    return jwks;
}

void
jwks_release(struct jwks *jwks)
{
    if (!jwks || --jwks->holders)
        return;
    for (size_t i = 0; i < JWKS_KEYS_MAX; i++)
        EVP_PKEY_free(jwks->keys[i].pkey);
    free(jwks);
}

size_t
jwks_count(const struct jwks *jwks)
{
    return jwks->count;
}

const struct jwks_key *
jwks_find(const struct jwks *jwks, struct slice kid)
{
    for (size_t i = 0; i < jwks->count; i++)
        if (slice_equal((struct slice){jwks->keys[i].kid,
                                       jwks->keys[i].kid_len},
                        kid))
            return &jwks->keys[i];
    return NULL;
}

const struct jwks_key *
jwks_only(const struct jwks *jwks)
{
    return jwks->count == 1 ? &jwks->keys[0] : NULL;
}

bool
jwks_verify(const struct jwks_key *key, struct slice input,
            const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *ctx;
    bool good;

    if (len != key->signature_len)
        return false;
    ctx = EVP_MD_CTX_new();
    good =
        ctx &&
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
        EVP_DigestVerify(ctx, signature, len, (const unsigned char *)input.data,
                         input.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

const unsigned char *
jwks_print(const struct jwks_key *key)
{
    return key->print;
}

bool
jwks_has(const struct jwks *jwks, const unsigned char print[])
{
    for (size_t i = 0; i < jwks->count; i++)
        if (!memcmp(jwks->keys[i].print, print, JWKS_PRINT_SIZE))
            return true;
    return false;
}
