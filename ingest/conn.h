#pragma once

#include "common/buf.h"
#include "ingest/exchange.h"
#include "ingest/forwarded.h"

#include <stdint.h>
#include <uv.h>

struct request_chunks;
struct server;
struct tls;

/*
 * One connection's life: read a request, have it handled, write the answer,
 * and again, one request at a time.
 *
 *        ┌─────────────────────────────────────────────┐
 *        ▼                                             │ keep-alive
 *     READING ──a whole request──▶ HANDLING ──▶ WRITING ┤
 *        │                                             │ last answer
 *        └──refused, end, deadline──▶ LINGERING ◀──────┘
 *                                         │
 *                                         ▼
 *                                      CLOSING
 *
 * A request whose token's key is being asked for parks its connection: it is
 * READING still, its bytes stay where they are, and it is judged from its head
 * on when keys have come.
 *
 * What a connection keeps between reads is what has come of a request that is
 * not yet whole; an idle one keeps nothing.
 */
enum conn_state {
    CONN_READING,   /* waiting for the rest of a request */
    CONN_HANDLING,  /* a handler owns the exchange */
    CONN_WRITING,   /* the answer is on its way out */
    CONN_LINGERING, /* our end is shut; theirs is read, so that no reset
                       overtakes the answer */
    CONN_CLOSING,   /* on_closed() will free it */
};

struct conn {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    struct server *server;
    struct conn *prev, *next; /* in one of the server's lists */
    int64_t deadline_ms;      /* on the loop's clock; 0: none */
    enum conn_state state;
    bool idle;       /* in the server's list of idle ones */
    bool keep_alive; /* after the present request */
    bool last;       /* nothing is read behind this answer */
    bool ended;      /* the peer has shut its end */
    bool paused;     /* reading is stopped: more than enough is here */
    bool in_handler; /* handle() is on the stack */
    bool framed;     /* the head told where the request ends */
    bool skips;      /* it was refused, and its body is skipped */
    bool begun;      /* the exchange holds its policy */
    bool handling;   /* an answer is due */
    bool gone;       /* the handle is closed; freed once not handling */
    bool told_continue;
    bool crowd;           /* counted among its address's connections */
    bool parked;          /* the request waits for keys; nothing is read */
    bool tls_begun;       /* the first byte has come */
    bool tls_established; /* the handshake is over */
    struct tls *tls;      /* or NULL */
    struct ip peer;

    struct buf input; /* of requests that are not yet answered */
    size_t counted;   /* of input, in server->buffered */
    size_t scanned;   /* of the head, by request_scan() */
    size_t head_len;  /* 0: not whole yet */
    enum request_body body_kind;
    uint64_t skip;     /* bytes to come that nobody wants */
    uint64_t body_len; /* for REQUEST_LENGTH */
    struct request_chunks *chunks;
    struct buf body;    /* decoded, for REQUEST_CHUNKED */
    size_t chunks_used; /* bytes behind the head that were decoded */

    struct exchange exchange;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf output; /* what could not be written at once */
};

/** conn_accept(): take the connection that @listener has ready. */
void conn_accept(struct server *server, uv_stream_t *listener,
                 enum exchange_listener kind);

/** conn_close(): at once; conn and exchange live on until it is safe. */
void conn_close(struct conn *conn);

/** conn_expire(): its deadline has passed. */
void conn_expire(struct conn *conn);

/** conn_drain(): end it as soon as no answer is due. */
void conn_drain(struct conn *conn);

/** conn_set_deadline(): from now on the loop's clock, in place of the last. */
void conn_set_deadline(struct conn *conn, int64_t ms);

/** conn_unpark(): judge the request that waited, if one does. */
void conn_unpark(struct conn *conn);

/** conn_send(): exchange->send, the one way out for answers. */
void conn_send(struct exchange *exchange, const struct exchange_reply *reply);

/** conn_tell_continue(): the 100 that a client waits for before its body. */
void conn_tell_continue(struct conn *conn);

/* For conn_tls.c: what a connection does with bytes that are plain, when it is
 * ready for a request, and when the peer sends no more. */
void conn_feed(struct conn *conn, const char *bytes, size_t len);
void conn_next(struct conn *conn);
void conn_peer_ended(struct conn *conn, ssize_t error);

/* The server's lists of connections; conn.c says when. */
void server_conn_opened(struct server *server, struct conn *conn);
void server_conn_set_idle(struct server *server, struct conn *conn, bool idle);
void server_conn_closing(struct server *server);
void server_conn_closed(struct server *server, struct conn *conn);
