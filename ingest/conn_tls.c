#include "ingest/conn_tls.h"

#include "common/log.h"
#include "ingest/conn.h"
#include "ingest/conn_request.h"
#include "ingest/server.h"
#include "ingest/tls.h"

enum { RECORD_HANDSHAKE = 22 }; /* RFC 8446, section 5.1 */

/* Of the handshake, or an alert: short, and the socket has room for it. */
static bool
flush(struct conn *conn)
{
    struct buf *cipher = &conn->server->cipher;
    uv_buf_t bytes = uv_buf_init(cipher->data, (unsigned)cipher->len);

    return !cipher->len ||
           uv_try_write(&conn->handle.stream, &bytes, 1) == (int)cipher->len;
}

/* Return: whether the first byte is TLS's; else the peer is answered in its
 * own plain words. */
static bool
begin(struct conn *conn, char first)
{
    if (first != RECORD_HANDSHAKE) {
        tls_free(conn->tls);
        conn->tls = NULL;
        conn_request_refuse(conn, PROBLEM_HTTPS_WANTED);
        return false;
    }
    conn->tls_begun = true;
    server_conn_set_idle(conn->server, conn, false);
    conn_set_deadline(conn, TLS_HANDSHAKE_MS);
    return true;
}

/* The handshake's deadline gives way to those of requests. */
static void
note_established(struct conn *conn)
{
    if (conn->tls_established || !tls_established(conn->tls))
        return;
    conn->tls_established = true;
    conn_next(conn);
}

static ssize_t
read_plain(struct conn *conn)
{
    struct server *server = conn->server;
    ssize_t n;

    buf_clear(&server->cipher);
    n = tls_read(conn->tls, server->plain, sizeof(server->plain),
                 &server->cipher);
    if (!flush(conn))
        return TLS_BROKEN;
    note_established(conn);
    return n;
}

void
conn_tls_take(struct conn *conn, const char *bytes, size_t len)
{
    ssize_t n = TLS_MORE;

    if (conn->state == CONN_LINGERING)
        return;
    if (!conn->tls_begun && !begin(conn, *bytes))
        return;
    tls_feed(conn->tls, bytes, len);
    do {
        n = read_plain(conn);
        if (n > 0)
            conn_feed(conn, conn->server->plain, (size_t)n);
    } while (n > 0 && conn->state != CONN_CLOSING &&
             conn->state != CONN_LINGERING && tls_pending(conn->tls));
    tls_feed_drop(conn->tls);
    if (n == TLS_END)
        conn_peer_ended(conn, UV_EOF);
    else if (n == TLS_BROKEN)
        conn_close(conn);
}

const struct buf *
conn_tls_seal(struct conn *conn, const char *bytes, size_t len)
{
    struct buf *cipher = &conn->server->cipher;

    buf_clear(cipher);
    return tls_write(conn->tls, bytes, len, cipher) < 0 ? NULL : cipher;
}

void
conn_tls_goodbye(struct conn *conn)
{
    buf_clear(&conn->server->cipher);
    tls_goodbye(conn->tls, &conn->server->cipher);
    (void)flush(conn);
}
