#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct conn;

/*
 * A connection's bytes through TLS.  The server's two scratch buffers serve
 * all connections: what is decrypted is handed on at once, what is encrypted
 * leaves at once.
 */

/** conn_tls_take(): bytes from the socket; conn_feed() gets what they carry. */
void conn_tls_take(struct conn *conn, const char *bytes, size_t len);

/** conn_tls_seal(): what carries @bytes, in the server's scratch, or NULL
 * where that failed. */
const struct buf *conn_tls_seal(struct conn *conn, const char *bytes,
                                size_t len);

/** conn_tls_goodbye(): close_notify, as far as the socket takes it. */
void conn_tls_goodbye(struct conn *conn);
