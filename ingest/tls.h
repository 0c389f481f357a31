#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct settings;

/*
 * TLS as bytes to bytes: what came from a socket goes in, what is to be sent
 * comes out in a buffer; sockets and the loop are conn.c's.
 *
 * Mozilla's intermediate profile: TLS 1.2 with the six ECDHE suites that are
 * AEAD, and 1.3; X25519, P-256, P-384; no renegotiation, no compression; ALPN
 * http/1.1.  Sessions are resumed by tickets, whose keys are of this process
 * alone, change every TLS_TICKET_KEY_MS and are good for one such time more.
 */
enum {
    TLS_HANDSHAKE_MS = 10 * 1000,
    TLS_PLAIN_MAX = 16 * 1024, /* of one record, RFC 8446 section 5.1 */
};

#define TLS_TICKET_KEY_MS (12 * 60 * 60 * 1000LL)

/** Certificate and key; sessions hold the one that they began with. */
struct tls_context;

/**
 * tls_context_load(): from [tls] certificate and key, with a complaint for
 * each fault.
 *
 * Return: 0, with NULL where neither is set; -EINVAL after complaints; or
 * -ENOMEM.
 */
int tls_context_load(struct tls_context **context, struct settings *settings);

/** tls_context_free(): sessions that hold it live on. */
void tls_context_free(struct tls_context *context);

/** tls_not_after_ms(): when its certificate ends, since 1970. */
int64_t tls_not_after_ms(const struct tls_context *context);

struct tls;

struct tls *tls_new(struct tls_context *context);
void tls_free(struct tls *tls);

/** tls_established(): the handshake is over. */
bool tls_established(const struct tls *tls);

/**
 * tls_feed(): bytes that have come, borrowed until tls_read() has said that it
 * needs more.
 */
void tls_feed(struct tls *tls, const char *bytes, size_t len);

/** tls_feed_drop(): what was fed and not taken is of no use any more. */
void tls_feed_drop(struct tls *tls);

/** tls_pending(): whether tls_read() may have more without being fed. */
bool tls_pending(const struct tls *tls);

enum {
    TLS_MORE = 0,    /* more bytes are needed */
    TLS_END = -1,    /* the peer has said goodbye */
    TLS_BROKEN = -2, /* what came is no TLS, or was tampered with */
};

/**
 * tls_read(): the next bytes that the peer sent, into @plain.  Whatever there
 * is to send meanwhile (of the handshake, or an alert) is appended to @out.
 *
 * Return: how many, or one of the above.
 */
ssize_t tls_read(struct tls *tls, char *plain, size_t size, struct buf *out);

/** tls_write(): append to @out what carries @bytes. Return: 0 or -EIO. */
int tls_write(struct tls *tls, const char *bytes, size_t len, struct buf *out);

/** tls_goodbye(): append close_notify. */
void tls_goodbye(struct tls *tls, struct buf *out);
