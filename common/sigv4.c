#include "common/sigv4.h"

#include "common/buf.h"
#include "common/uri.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"

enum {
    DAY_LEN = 8,                      /* of the stamp: 20260102 */
    PARAMS_MAX = SIGV4_PAIRS_MAX + 8, /* with those that presigning adds */
    CANONICAL_MAX = 256 * 1024,
    SCOPE_MAX = 256,
};

/* The sorted, encoded parts of one request while it is being signed. */
struct canonical {
    struct buf params; /* the bytes that `pairs` point into */
    struct buf query;
    struct buf headers; /* "name:value\n" ... */
    struct buf names;   /* "name;name" */
    char scope[SCOPE_MAX];
};

void
sigv4_stamp(char stamp[SIGV4_STAMP_SIZE], int64_t ms)
{
    time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
    struct tm tm;
    size_t len;

    (void)gmtime_r(&seconds, &tm);
    len = strftime(stamp, SIGV4_STAMP_SIZE, "%Y%m%dT%H%M%SZ", &tm);
    assert(len == SIGV4_STAMP_SIZE - 1);
}

static void
hex_of(char hex[SIGV4_HEX_SIZE], const unsigned char bytes[SIGV4_KEY_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SIGV4_KEY_SIZE; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[SIGV4_HEX_SIZE - 1] = '\0';
}

int
sigv4_hash(char hex[SIGV4_HEX_SIZE], const void *bytes, size_t len)
{
    unsigned char digest[SIGV4_KEY_SIZE];

    if (!EVP_Digest(len ? bytes : "", len, digest, NULL, EVP_sha256(), NULL))
        return -ENOMEM;
    hex_of(hex, digest);
    return 0;
}

static int
mac(unsigned char out[SIGV4_KEY_SIZE], const void *key, size_t key_len,
    const char *text, size_t len)
{
    unsigned out_len = SIGV4_KEY_SIZE;

    return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text,
                len, out, &out_len)
               ? 0
               : -ENOMEM;
}

int
sigv4_derive_key(unsigned char key[SIGV4_KEY_SIZE], const char *secret,
                 const struct sigv4_scope *scope)
{
    const struct slice links[] = {
        {scope->stamp, DAY_LEN},
        {scope->region, strlen(scope->region)},
        {scope->service, strlen(scope->service)},
        SLICE(TERMINATOR),
    };
    unsigned char last[SIGV4_KEY_SIZE];
    size_t len = strlen(secret) + 4;
    char *first = malloc(len + 1);
    int r;

    if (!first)
        return -ENOMEM;
    (void)snprintf(first, len + 1, "AWS4%s", secret);

    r = mac(key, first, len, links[0].data, links[0].len);
    for (size_t i = 1; r == 0 && i < sizeof(links) / sizeof(links[0]); i++) {
        memcpy(last, key, sizeof(last));
        r = mac(key, last, sizeof(last), links[i].data, links[i].len);
    }

    OPENSSL_cleanse(last, sizeof(last));
    OPENSSL_cleanse(first, len);
    free(first);
    return r;
}

static int
canonical_init(struct canonical *canonical, const struct sigv4_scope *scope)
{
    int len;

    buf_init(&canonical->params, CANONICAL_MAX);
    buf_init(&canonical->query, CANONICAL_MAX);
    buf_init(&canonical->headers, CANONICAL_MAX);
    buf_init(&canonical->names, CANONICAL_MAX);
    len = snprintf(canonical->scope, SCOPE_MAX, "%.*s/%s/%s/" TERMINATOR,
                   DAY_LEN, scope->stamp, scope->region, scope->service);
    return len < SCOPE_MAX ? 0 : SIGV4_UNSUPPORTED;
}

/* A session token, which headers and query hold, is nobody else's business. */
static void
wipe(struct buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->cap);
    buf_deinit(buf);
}

static void
canonical_deinit(struct canonical *canonical)
{
    wipe(&canonical->params);
    wipe(&canonical->query);
    wipe(&canonical->headers);
    wipe(&canonical->names);
}

static int
compare_bytes(struct slice a, struct slice b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.data, b.data, least) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_params(const void *left, const void *right)
{
    const struct sigv4_pair *a = left, *b = right;
    int order = compare_bytes(a->name, b->name);

    return order ? order : compare_bytes(a->value, b->value);
}

/*
 * The canonical query of @count raw pairs.  They are encoded before they are
 * sorted, as '%' sorts before most of what it stands for.
 */
static int
add_query(struct canonical *canonical, const struct sigv4_pair *raw,
          size_t count)
{
    struct sigv4_pair pairs[PARAMS_MAX];
    struct buf *params = &canonical->params;
    const char *at;

    for (size_t i = 0; i < count; i++) {
        size_t start = params->len;

        uri_encode(params, raw[i].name.data, raw[i].name.len, false);
        pairs[i].name.len = params->len - start;
        start = params->len;
        uri_encode(params, raw[i].value.data, raw[i].value.len, false);
        pairs[i].value.len = params->len - start;
    }
    if (params->failed)
        return params->failed;

    at = params->data; /* which moves no more */
    for (size_t i = 0; i < count; i++) {
        pairs[i].name.data = at;
        pairs[i].value.data = at + pairs[i].name.len;
        at = pairs[i].value.data + pairs[i].value.len;
    }
    qsort(pairs, count, sizeof(pairs[0]), compare_params);
    for (size_t i = 0; i < count; i++)
        (void)buf_printf(&canonical->query, "%s%.*s=%.*s", i ? "&" : "",
                         (int)pairs[i].name.len, pairs[i].name.data,
                         (int)pairs[i].value.len, pairs[i].value.data);
    return canonical->query.failed;
}

/* Proxies change these, or they are the signature itself. */
static bool
is_signed(struct slice name)
{
    static const char *const others[] = {
        "authorization",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (slice_is_nocase(name, others[i]))
            return false;
    return true;
}

static int
compare_headers(const void *left, const void *right)
{
    const struct sigv4_pair *const *a = left, *const *b = right;
    size_t least =
        (*a)->name.len < (*b)->name.len ? (*a)->name.len : (*b)->name.len;
    int order = strncasecmp((*a)->name.data, (*b)->name.data, least);

    if (!order)
        order = ((*a)->name.len > (*b)->name.len) -
                ((*a)->name.len < (*b)->name.len);
    /* Several of one name keep their order. */
    return order ? order : (*a > *b) - (*a < *b);
}

static void
add_lower(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        (void)buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
}

/* Trimmed, and every run of white space inside is one blank. */
static void
add_header_value(struct buf *out, struct slice value)
{
    bool gap = false, begun = false;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = begun;
            continue;
        }
        if (gap)
            (void)buf_putc(out, ' ');
        (void)buf_putc(out, c);
        gap = false;
        begun = true;
    }
}

static int
add_headers(struct canonical *canonical, const struct sigv4_request *request)
{
    const struct sigv4_pair *sorted[SIGV4_PAIRS_MAX], *last = NULL;
    struct buf *headers = &canonical->headers, *names = &canonical->names;
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++)
        if (is_signed(request->headers[i].name))
            sorted[count++] = &request->headers[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_headers);

    for (size_t i = 0; i < count; last = sorted[i++]) {
        struct slice name = sorted[i]->name;

        if (last && last->name.len == name.len &&
            !strncasecmp(last->name.data, name.data, name.len)) {
            buf_truncate(headers, headers->len - 1); /* the line goes on */
            (void)buf_putc(headers, ',');
        } else {
            if (last)
                (void)buf_putc(names, ';');
            add_lower(names, name);
            add_lower(headers, name);
            (void)buf_putc(headers, ':');
        }
        add_header_value(headers, sorted[i]->value);
        if (buf_putc(headers, '\n') < 0)
            break;
    }
    return headers->failed ? headers->failed : names->failed;
}

/* The path as it is signed, and for S3 as it is sent. */
static void
add_path(struct buf *out, const struct sigv4_request *request)
{
    struct buf normal;

    if (!request->normalize) {
        uri_encode(out, request->path, strlen(request->path), true);
        if (!*request->path)
            (void)buf_putc(out, '/');
        return;
    }
    buf_init(&normal, CANONICAL_MAX);
    uri_normalize(&normal, request->path);
    if (normal.failed)
        out->failed = normal.failed;
    else
        uri_encode(out, normal.data, normal.len, true);
    buf_deinit(&normal);
}

/* What the signature signs: the time, the scope and the request's hash. */
static int
add_string_to_sign(struct buf *out, const struct canonical *canonical,
                   const struct sigv4_request *request,
                   const struct sigv4_scope *scope)
{
    char hash[SIGV4_HEX_SIZE];
    struct buf text;
    int r;

    buf_init(&text, CANONICAL_MAX);
    (void)buf_puts(&text, request->method);
    (void)buf_putc(&text, '\n');
    add_path(&text, request);
    (void)buf_putc(&text, '\n');
    (void)buf_append(&text, canonical->query.data, canonical->query.len);
    (void)buf_putc(&text, '\n');
    (void)buf_append(&text, canonical->headers.data, canonical->headers.len);
    (void)buf_putc(&text, '\n');
    (void)buf_append(&text, canonical->names.data, canonical->names.len);
    (void)buf_putc(&text, '\n');
    (void)buf_puts(&text, request->payload_hash);

    r = text.failed;
    if (!r)
        r = sigv4_hash(hash, text.data, text.len);
    if (!r)
        r = buf_printf(out, ALGORITHM "\n%s\n%s\n%s", scope->stamp,
                       canonical->scope, hash);
    wipe(&text);
    return r;
}

static int
add_signature(struct buf *out, const struct canonical *canonical,
              const struct sigv4_request *request,
              const struct sigv4_signer *signer)
{
    unsigned char digest[SIGV4_KEY_SIZE];
    char hex[SIGV4_HEX_SIZE];
    struct buf text;
    int r;

    buf_init(&text, CANONICAL_MAX);
    r = add_string_to_sign(&text, canonical, request, &signer->scope);
    if (!r)
        r = mac(digest, signer->key, SIGV4_KEY_SIZE, text.data, text.len);
    buf_deinit(&text);
    if (r < 0)
        return r;
    hex_of(hex, digest);
    return buf_puts(out, hex);
}

/* A request that outgrew our own buffers is not the caller's lack of memory. */
static int
judge(int r, const struct buf *out)
{
    return r == -ENOBUFS && out->failed != -ENOBUFS ? SIGV4_UNSUPPORTED : r;
}

static bool
has_too_many(const struct sigv4_request *request)
{
    return request->header_count > SIGV4_PAIRS_MAX ||
           request->query_count > SIGV4_PAIRS_MAX;
}

int
sigv4_authorize(struct buf *out, const struct sigv4_request *request,
                const struct sigv4_signer *signer)
{
    struct canonical canonical;
    int r;

    if (has_too_many(request))
        return SIGV4_UNSUPPORTED;
    r = canonical_init(&canonical, &signer->scope);
    if (!r)
        r = add_query(&canonical, request->query, request->query_count);
    if (!r)
        r = add_headers(&canonical, request);
    if (!r)
        r = buf_printf(out,
                       ALGORITHM " Credential=%s/%s, SignedHeaders=%.*s, "
                                 "Signature=",
                       signer->access_key, canonical.scope,
                       (int)canonical.names.len, canonical.names.data);
    if (!r)
        r = add_signature(out, &canonical, request, signer);
    canonical_deinit(&canonical);
    return judge(r, out);
}

/* The query of @request and the parameters of a presigned URL. */
static int
add_presigned_query(struct canonical *canonical,
                    const struct sigv4_request *request,
                    const struct sigv4_signer *signer, const char *token,
                    int64_t expires_s)
{
    struct sigv4_pair pairs[PARAMS_MAX];
    char credential[2 * SCOPE_MAX], expires[24];
    size_t count = request->query_count;
    int len;

    len = snprintf(credential, sizeof(credential), "%s/%s", signer->access_key,
                   canonical->scope);
    if ((size_t)len >= sizeof(credential))
        return SIGV4_UNSUPPORTED;
    (void)snprintf(expires, sizeof(expires), "%" PRId64, expires_s);

    if (count)
        memcpy(pairs, request->query, count * sizeof(pairs[0]));
    pairs[count++] =
        (struct sigv4_pair){SLICE("X-Amz-Algorithm"), SLICE(ALGORITHM)};
    pairs[count++] = (struct sigv4_pair){SLICE("X-Amz-Credential"),
                                         {credential, (size_t)len}};
    pairs[count++] =
        (struct sigv4_pair){SLICE("X-Amz-Date"),
                            {signer->scope.stamp, SIGV4_STAMP_SIZE - 1}};
    pairs[count++] =
        (struct sigv4_pair){SLICE("X-Amz-Expires"), {expires, strlen(expires)}};
    pairs[count++] =
        (struct sigv4_pair){SLICE("X-Amz-SignedHeaders"),
                            {canonical->names.data, canonical->names.len}};
    if (token)
        pairs[count++] = (struct sigv4_pair){SLICE("X-Amz-Security-Token"),
                                             {token, strlen(token)}};
    return add_query(canonical, pairs, count);
}

int
sigv4_presign(struct buf *out, const struct sigv4_request *request,
              const struct sigv4_signer *signer, const char *token,
              int64_t expires_s)
{
    struct canonical canonical;
    int r;

    if (has_too_many(request))
        return SIGV4_UNSUPPORTED;
    r = canonical_init(&canonical, &signer->scope);
    if (!r)
        r = add_headers(&canonical, request);
    if (!r)
        r = add_presigned_query(&canonical, request, signer, token, expires_s);
    if (!r) {
        add_path(out, request);
        (void)buf_printf(out,
                         "?%.*s&X-Amz-Signature=", (int)canonical.query.len,
                         canonical.query.data);
        r = out->failed;
    }
    if (!r)
        r = add_signature(out, &canonical, request, signer);
    canonical_deinit(&canonical);
    return judge(r, out);
}
