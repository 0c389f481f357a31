#include "ingest/jws.h"

#include "ingest/base64url.h"
#include "ingest/scan.h"

/* Three parts that are not empty, but for the payload, and no fourth. */
static bool
split(struct slice token, struct slice *header, struct slice *payload,
      struct slice *signature)
{
    struct slice rest;

    *header = slice_split(token, '.', &rest);
    if (!rest.data)
        return false;
    *payload = slice_split(rest, '.', signature);
    return signature->data && header->len && signature->len &&
           !memchr(signature->data, '.', signature->len);
}

/* What the header may not leave to us: extensions that change the meaning of
 * the token (RFC 7515 section 4.1.11, RFC 7797), or a compressed payload. */
static bool
is_beyond_us(struct slice name)
{
    return slice_is(name, "crit") || slice_is(name, "b64") ||
           slice_is(name, "zip");
}

static enum jwt_verdict
take_header(struct jws *jws, struct slice name, const struct scan_value *value,
            bool *algorithm)
{
    struct slice text = {NULL, 0};

    if (is_beyond_us(name))
        return JWT_HEADER;
    if (value->kind == SCAN_STRING && !value->escaped)
        text = scan_text(value);
    if (slice_is(name, "alg")) {
        *algorithm = slice_is(text, "RS256");
        return *algorithm ? JWT_OK : JWT_ALGORITHM;
    }
    if (slice_is(name, "kid")) {
        if (!text.len || text.len > JWKS_KID_MAX)
            return JWT_HEADER;
        memcpy(jws->kid, text.data, text.len);
        jws->kid_len = text.len;
    }
    return JWT_OK;
}

static enum jwt_verdict
read_header(struct jws *jws, struct slice encoded)
{
    uint8_t bytes[BASE64URL_DECODED(JWT_TOKEN_MAX)];
    ssize_t len = base64url_decode(bytes, encoded);
    enum jwt_verdict verdict = JWT_OK;
    struct scan_value document, value;
    bool escaped, algorithm = false;
    struct slice name;
    struct scan scan;

    if (len < 0)
        return JWT_FORM;
    if (scan_document((struct slice){(char *)bytes, (size_t)len}, &document) !=
            SCAN_FOUND ||
        document.kind != SCAN_OBJECT || document.odd || document.crowded ||
        scan_open(&scan, document.bytes) != SCAN_FOUND)
        return JWT_HEADER;
    while (verdict == JWT_OK &&
           scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND)
        verdict = take_header(jws, name, &value, &algorithm);
    return verdict == JWT_OK && !algorithm ? JWT_ALGORITHM : verdict;
}

enum jwt_verdict
jws_parse(struct jws *jws, struct slice token)
{
    uint8_t bytes[BASE64URL_DECODED(JWT_TOKEN_MAX)];
    struct slice header, payload, signature;
    ssize_t len;

    if (token.len > JWT_TOKEN_MAX)
        return JWT_TOO_LONG;
    if (!split(token, &header, &payload, &signature))
        return JWT_FORM;
    if (base64url_decode(bytes, payload) < 0)
        return JWT_FORM;
    len = base64url_decode(bytes, signature);
    if (len <= 0)
        return JWT_FORM;

    jws->kid_len = 0;
    jws->signed_part = (struct slice){token.data, header.len + 1 + payload.len};
    jws->payload = payload;
    /* A longer one is no key's of ours, which the caller will find. */
    jws->signature_len = (size_t)len;
    if ((size_t)len <= sizeof(jws->signature))
        memcpy(jws->signature, bytes, (size_t)len);
    else
        jws->signature_len = 0;
    return read_header(jws, header);
}

ssize_t
jws_payload(const struct jws *jws, uint8_t out[JWT_TOKEN_MAX])
{
    return base64url_decode(out, jws->payload);
}
