#include "ingest/tls.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/settings.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SUITES_1_2                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_1_3                                                             \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                           \
    "TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

enum { TICKET_NAME = 16, TICKET_AES = 32, TICKET_HMAC = 32 };

struct tls_context {
    SSL_CTX *ctx;
    int64_t not_after_ms;
};

struct tls {
    SSL *ssl;
    const char *in; /* fed, not yet taken */
    size_t in_len;
    struct buf *out; /* during a call */
};

/* The keys of tickets outlive a reload, and so do sessions. */
struct ticket_key {
    unsigned char name[TICKET_NAME];
    unsigned char aes[TICKET_AES];
    unsigned char hmac[TICKET_HMAC];
};

static struct {
    struct ticket_key now, before;
    bool has_before; /* else it is zeros, with which anybody could seal one */
    int64_t made_ms; /* 0: there is none yet */
} tickets;

static bool
renew_ticket_keys(void)
{
    int64_t now_ms = clock_mono_us() / 1000;

    if (tickets.made_ms && now_ms - tickets.made_ms < TLS_TICKET_KEY_MS)
        return true;
    tickets.before = tickets.now;
    tickets.has_before =
        tickets.made_ms && now_ms - tickets.made_ms < 2 * TLS_TICKET_KEY_MS;
    tickets.made_ms = now_ms;
    return RAND_bytes((unsigned char *)&tickets.now, sizeof(tickets.now)) == 1;
}

static int
set_ticket_key(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
               const struct ticket_key *key, unsigned char *iv, int encrypt)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                          (void *)(uintptr_t)key->hmac,
                                          sizeof(key->hmac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv,
                             encrypt) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 as it is, 2 renew it, 0 a ticket
 * of somebody else's, -1 no. */
static int
on_ticket(SSL *ssl, unsigned char name[TICKET_NAME], unsigned char *iv,
          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
    const struct ticket_key *key = &tickets.now;

    (void)ssl;
    if (!renew_ticket_keys())
        return -1;
    if (encrypt) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
        memcpy(name, key->name, TICKET_NAME);
        return set_ticket_key(cipher, mac, key, iv, 1) ? 1 : -1;
    }
    if (CRYPTO_memcmp(name, key->name, TICKET_NAME)) {
        key = &tickets.before;
        if (!tickets.has_before || CRYPTO_memcmp(name, key->name, TICKET_NAME))
            return 0;
    }
    if (!set_ticket_key(cipher, mac, key, iv, 0))
        return -1;
    return key == &tickets.now ? 1 : 2;
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
        const unsigned char *offered, unsigned int len, void *unused)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl, (void)unused;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, offered,
                              len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Between a TLS session and OpenSSL: what was fed, and what is to be sent. */
static int
bio_read(BIO *bio, char *to, size_t size, size_t *len)
{
    struct tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (!tls->in_len) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *len = size < tls->in_len ? size : tls->in_len;
    memcpy(to, tls->in, *len);
    tls->in += *len;
    tls->in_len -= *len;
    return 1;
}

static int
bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
    struct tls *tls = BIO_get_data(bio);

    assert(tls->out);
    if (buf_append(tls->out, bytes, len) < 0)
        return 0;
    *written = len;
    return 1;
}

static long
bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
bio_method(void)
{
    static BIO_METHOD *method;

    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
    if (method && (!BIO_meth_set_read_ex(method, bio_read) ||
                   !BIO_meth_set_write_ex(method, bio_write) ||
                   !BIO_meth_set_ctrl(method, bio_ctrl))) {
        BIO_meth_free(method);
        method = NULL;
    }
    return method;
}

static bool
configure(SSL_CTX *ctx)
{
    static const unsigned char id[] = "clickspool";

    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, SUITES_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, SUITES_1_3) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1;
}

static int
refuse(struct settings *settings, const char *key, const char *file,
       const char *wants)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    settings_complain(settings, key, "%s: %s (%s)", file, wants,
                      reason ? reason : "no further reason");
    ERR_clear_error();
    return -EINVAL;
}

/* A certificate that has ended or has not begun is told, and served: a clock
 * may be wrong, and events are better taken. */
static void
judge_times(struct tls_context *context, struct settings *settings)
{
    const X509 *certificate = SSL_CTX_get0_certificate(context->ctx);
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    struct tm tm;

    if (ASN1_TIME_to_tm(end, &tm) == 1)
        context->not_after_ms = (int64_t)timegm(&tm) * 1000;
    if (X509_cmp_current_time(end) < 0)
        settings_warn(settings, "tls.certificate",
                      "the certificate has ended: browsers will refuse it");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        settings_warn(settings, "tls.certificate",
                      "the certificate is not valid yet");
}

static int
load_files(struct tls_context *context, struct settings *settings)
{
    const char *chain = settings->tls.certificate, *key = settings->tls.key;
    struct stat st;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context->ctx, chain) != 1)
        return refuse(settings, "tls.certificate", chain,
                      "give a PEM file with the certificate and its chain");
    if (SSL_CTX_use_PrivateKey_file(context->ctx, key, SSL_FILETYPE_PEM) != 1)
        return refuse(settings, "tls.key", key,
                      "give a PEM file with the certificate's own key, "
                      "without a passphrase");
    if (SSL_CTX_check_private_key(context->ctx) != 1)
        return refuse(settings, "tls.key", key,
                      "the key is not the certificate's");
    if (stat(key, &st) == 0 && st.st_mode & S_IROTH)
        settings_warn(settings, "tls.key", "everybody can read %s: chmod o-r",
                      key);
    judge_times(context, settings);
    return 0;
}

/* An encrypted key would have a daemon ask for a passphrase on the terminal. */
static int
no_passphrase(char *to, int size, int writing, void *unused)
{
    (void)to, (void)size, (void)writing, (void)unused;
    return -1;
}

int
tls_context_load(struct tls_context **loaded, struct settings *settings)
{
    bool certificate = *settings->tls.certificate, key = *settings->tls.key;
    struct tls_context *context;
    int r = -ENOMEM;

    *loaded = NULL;
    if (!certificate && !key)
        return 0;
    if (!certificate || !key) {
        settings_complain(settings, key ? "tls.key" : "tls.certificate",
                          "HTTPS needs both certificate and key");
        return -EINVAL;
    }
    context = calloc(1, sizeof(*context));
    if (!context)
        return -ENOMEM;
    context->ctx = SSL_CTX_new(TLS_server_method());
    if (context->ctx && configure(context->ctx) && bio_method()) {
        SSL_CTX_set_default_passwd_cb(context->ctx, no_passphrase);
        r = load_files(context, settings);
    }
    if (r < 0) {
        tls_context_free(context);
        return r;
    }
    *loaded = context;
    return 0;
}

void
tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    free(context);
}

int64_t
tls_not_after_ms(const struct tls_context *context)
{
    return context->not_after_ms;
}

struct tls *
tls_new(struct tls_context *context)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    BIO *bio = BIO_new(bio_method());

    if (tls)
        tls->ssl = SSL_new(context->ctx);
    if (!tls || !tls->ssl || !bio) {
        BIO_free(bio);
        tls_free(tls);
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void
tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

bool
tls_established(const struct tls *tls)
{
    return SSL_is_init_finished(tls->ssl);
}

void
tls_feed(struct tls *tls, const char *bytes, size_t len)
{
    assert(!tls->in_len);
    tls->in = bytes;
    tls->in_len = len;
}

void
tls_feed_drop(struct tls *tls)
{
    tls->in_len = 0;
}

bool
tls_pending(const struct tls *tls)
{
    return tls->in_len || SSL_has_pending(tls->ssl);
}

ssize_t
tls_read(struct tls *tls, char *plain, size_t size, struct buf *out)
{
    int n;

    tls->out = out;
    n = SSL_read(tls->ssl, plain, (int)size);
    tls->out = NULL;
    if (n > 0)
        return n;
    switch (SSL_get_error(tls->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        ERR_clear_error(); /* of this session, for the next one */
        return TLS_BROKEN;
    }
}

int
tls_write(struct tls *tls, const char *bytes, size_t len, struct buf *out)
{
    int n;

    assert(len <= INT_MAX);
    tls->out = out;
    n = SSL_write(tls->ssl, bytes, (int)len);
    tls->out = NULL;
    if (n == (int)len)
        return 0;
    ERR_clear_error();
    return -EIO;
}

void
tls_goodbye(struct tls *tls, struct buf *out)
{
    if (!tls_established(tls))
        return;
    tls->out = out;
    if (SSL_shutdown(tls->ssl) < 0)
        ERR_clear_error();
    tls->out = NULL;
}
