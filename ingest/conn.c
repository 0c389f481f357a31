#include "ingest/conn.h"

#include "common/clock.h"
#include "common/log.h"
#include "ingest/conn_request.h"
#include "ingest/conn_tls.h"
#include "ingest/peers.h"
#include "ingest/policy.h"
#include "ingest/response.h"
#include "ingest/server.h"
#include "ingest/tls.h"

#include <assert.h>
#include <stdlib.h>

enum {
    LINGER_MS = 2000,
    SMALL_INPUT = 8 * 1024,   /* may wait whatever others hold */
    PIPELINE_MAX = 64 * 1024, /* bytes that wait while an answer is due */
};

static void conn_resume(struct conn *conn);

/* conn->input has changed: what all of them hold has a bound. */
static void
count_input(struct conn *conn)
{
    conn->server->buffered += conn->input.len - conn->counted;
    conn->counted = conn->input.len;
}

static void
drop_input(struct conn *conn)
{
    buf_deinit(&conn->input);
    count_input(conn);
}

static void
conn_free(struct conn *conn)
{
    conn_request_end(conn);
    request_chunks_free(conn->chunks);
    drop_input(conn);
    buf_deinit(&conn->body);
    buf_deinit(&conn->output);
    tls_free(conn->tls);
    free(conn);
}

static void
on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    if (conn->crowd)
        peers_remove(conn->server->peers, &conn->peer);
    server_conn_closed(conn->server, conn);
    conn->gone = true;
    if (!conn->handling)
        conn_free(conn);
}

static void
end_parking(struct conn *conn)
{
    if (conn->parked)
        conn->server->parked--;
    conn->parked = false;
}

void
conn_close(struct conn *conn)
{
    if (conn->state == CONN_CLOSING)
        return;
    end_parking(conn);
    conn->state = CONN_CLOSING;
    server_conn_closing(conn->server);
    uv_close((uv_handle_t *)&conn->handle, on_closed);
}

void
conn_set_deadline(struct conn *conn, int64_t ms)
{
    conn->deadline_ms = (int64_t)uv_now(conn->server->loop) + ms;
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct conn *conn = handle->data;

    (void)suggested;
    *out = uv_buf_init(conn->server->read, SERVER_READ_BYTES);
}

/* The answer is out; shut our end and wait for theirs. */
static void
on_shutdown(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->data;

    if (status < 0 || conn->ended)
        conn_close(conn);
}

static void
conn_linger(struct conn *conn)
{
    conn->state = CONN_LINGERING;
    conn_set_deadline(conn, LINGER_MS);
    if (conn->tls)
        conn_tls_goodbye(conn);
    conn->shutdown.data = conn;
    if (uv_shutdown(&conn->shutdown, &conn->handle.stream, on_shutdown) < 0)
        conn_close(conn);
}

/* Ready for the next request; one that waits is begun by the caller. */
void
conn_next(struct conn *conn)
{
    conn->state = CONN_READING;
    conn->scanned = conn->head_len = 0;
    if (conn->input.len) {
        conn_set_deadline(conn, conn->server->limits.header_ms);
        return;
    }
    drop_input(conn);
    server_conn_set_idle(conn->server, conn, true);
    conn_set_deadline(conn, conn->server->limits.idle_ms);
}

static void
conn_written(struct conn *conn)
{
    if (conn->last || !conn->keep_alive)
        conn_linger(conn);
    else
        conn_next(conn);
}

static void
on_written(uv_write_t *request, int status)
{
    struct conn *conn = request->data;

    buf_deinit(&conn->output);
    if (conn->state == CONN_CLOSING)
        return;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    conn_written(conn);
    conn_resume(conn);
}

static void
conn_write(struct conn *conn, const struct buf *answer)
{
    uv_buf_t rest;
    int n;

    if (conn->tls)
        answer = conn_tls_seal(conn, answer->data, answer->len);
    if (!answer) {
        conn_close(conn);
        return;
    }
    rest = uv_buf_init(answer->data, (unsigned)answer->len);
    n = uv_try_write(&conn->handle.stream, &rest, 1);
    if (n < 0 && n != UV_EAGAIN) {
        conn_close(conn);
        return;
    }
    if (n == (int)answer->len) {
        conn_written(conn);
        return;
    }

    /* The peer reads slowly: it has a deadline for that. */
    n = n < 0 ? 0 : n;
    conn->state = CONN_WRITING;
    conn_set_deadline(conn, conn->server->limits.body_ms);
    conn->write.data = conn;
    if (buf_append(&conn->output, answer->data + n, answer->len - (size_t)n) <
        0) {
        conn_close(conn);
        return;
    }
    rest = uv_buf_init(conn->output.data, (unsigned)conn->output.len);
    if (uv_write(&conn->write, &conn->handle.stream, &rest, 1, on_written) < 0)
        conn_close(conn);
}

void
conn_send(struct exchange *exchange, const struct exchange_reply *reply)
{
    struct conn *conn =
        (struct conn *)((char *)exchange - offsetof(struct conn, exchange));
    struct server *server = conn->server;

    assert(conn->handling);
    conn->handling = false;
    if (conn->state == CONN_CLOSING) {
        if (conn->gone)
            conn_free(conn);
        return;
    }

    if (server->sent)
        server->sent(exchange, reply->status);
    if (server->draining || (conn->ended && !conn->input.len))
        conn->last = true;
    buf_clear(&server->out);
    response_date_set(&server->date, clock_wall_ms());
    response_write(&server->out, exchange, reply,
                   &(struct response_frame){
                       .date = server->date.text,
                       .close = conn->last || !conn->keep_alive,
                       .http_1_0 = exchange->http_1_0,
                       .no_body = exchange->method == REQUEST_HEAD,
                   });
    conn_request_end(conn);
    if (server->out.failed)
        conn_close(conn);
    else
        conn_write(conn, &server->out);
    if (!conn->in_handler)
        conn_resume(conn);
}

void
conn_tell_continue(struct conn *conn)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t line = uv_buf_init(text, sizeof(text) - 1);
    const struct buf *sealed;

    conn->told_continue = true;
    if (conn->tls) {
        sealed = conn_tls_seal(conn, text, sizeof(text) - 1);
        line = sealed ? uv_buf_init(sealed->data, (unsigned)sealed->len)
                      : uv_buf_init(NULL, 0);
    }
    /* Half a line, or half a record, would spoil what follows. */
    if (uv_try_write(&conn->handle.stream, &line, 1) != (int)line.len)
        conn_close(conn);
}

static size_t
skip_bytes(struct conn *conn, size_t len)
{
    size_t n = conn->skip < len ? (size_t)conn->skip : len;

    conn->skip -= n;
    return n;
}

static size_t
take_requests(struct conn *conn, const char *bytes, size_t len)
{
    size_t at = 0, n;

    while (conn->state == CONN_READING && !conn->parked && at < len) {
        n = conn->skip ? skip_bytes(conn, len - at)
                       : conn_request_take(conn, bytes + at, len - at);
        if (!n)
            break;
        at += n;
    }
    return at;
}

static void
keep_input(struct conn *conn, const char *bytes, size_t len)
{
    if (conn->state == CONN_LINGERING || conn->state == CONN_CLOSING || !len)
        return;
    if (conn->input.len + len > SMALL_INPUT &&
        conn->server->buffered + len > SERVER_BUFFERED_MAX) {
        if (conn->state == CONN_READING && !conn->parked)
            conn_request_refuse(conn, PROBLEM_TOO_BUSY);
        else
            conn_close(conn);
        return;
    }
    if (buf_append(&conn->input, bytes, len) < 0) {
        log_warning("connection_dropped", log_text("cause", "out of memory"), );
        conn_close(conn);
        return;
    }
    count_input(conn);
    if ((conn->state != CONN_READING || conn->parked) &&
        conn->input.len > PIPELINE_MAX) {
        conn->paused = true;
        (void)uv_read_stop(&conn->handle.stream);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* After an answer: what has come meanwhile may be the next request. */
static void
conn_resume(struct conn *conn)
{
    if (conn->state == CONN_READING && conn->input.len)
        buf_consume(&conn->input,
                    take_requests(conn, conn->input.data, conn->input.len));
    if (conn->parked)
        return;
    if (conn->state == CONN_READING && conn->ended) {
        conn_close(conn); /* what is here will never be a whole request */
        return;
    }
    if (conn->state == CONN_READING && !conn->input.len && !conn->idle)
        conn_next(conn);
    if (conn->state == CONN_LINGERING)
        drop_input(conn);
    if (conn->paused && conn->state != CONN_CLOSING &&
        conn->input.len <= PIPELINE_MAX) {
        conn->paused = false;
        (void)uv_read_start(&conn->handle.stream, on_alloc, on_read);
    }
}

void
conn_feed(struct conn *conn, const char *bytes, size_t len)
{
    size_t used;

    if (conn->input.len || conn->state != CONN_READING) {
        keep_input(conn, bytes, len);
        if (conn->state == CONN_READING)
            conn_resume(conn);
        return;
    }

    /* Most requests come whole: they are served from the shared buffer. */
    used = take_requests(conn, bytes, len);
    keep_input(conn, bytes + used, len - used);
}

void
conn_peer_ended(struct conn *conn, ssize_t error)
{
    conn->ended = true;
    /* A peer that has only shut its sending end still wants its answers. */
    if (error != UV_EOF || (conn->state == CONN_READING && !conn->parked) ||
        conn->state == CONN_LINGERING)
        conn_close(conn);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;

    if (n < 0)
        conn_peer_ended(conn, n);
    else if (n && conn->tls)
        conn_tls_take(conn, buf->base, (size_t)n);
    else if (n)
        conn_feed(conn, buf->base, (size_t)n);
}

void
conn_unpark(struct conn *conn)
{
    if (!conn->parked || conn->state != CONN_READING)
        return;
    end_parking(conn);
    conn->exchange.waited = true;
    conn_set_deadline(conn, conn->server->limits.header_ms);
    conn_resume(conn);
}

void
conn_expire(struct conn *conn)
{
    if (conn->parked) {
        conn_unpark(conn);
        return;
    }
    if (conn->state != CONN_READING || conn->idle) {
        conn_close(conn);
        return;
    }
    conn_request_refuse(conn, PROBLEM_REQUEST_TIMEOUT);
}

void
conn_drain(struct conn *conn)
{
    conn->last = true;
    if (conn->idle)
        conn_close(conn);
}

static int
take_handle(struct conn *conn, uv_stream_t *listener)
{
    struct sockaddr_storage address;
    int len = sizeof(address), r;

    if (listener->type == UV_NAMED_PIPE)
        r = uv_pipe_init(listener->loop, &conn->handle.pipe, 0);
    else
        r = uv_tcp_init(listener->loop, &conn->handle.tcp);
    if (r < 0)
        return r;
    conn->handle.stream.data = conn;
    server_conn_opened(conn->server, conn);

    r = uv_accept(listener, &conn->handle.stream);
    if (!r && listener->type == UV_TCP) {
        (void)uv_tcp_nodelay(&conn->handle.tcp, 1);
        r = uv_tcp_getpeername(&conn->handle.tcp, (struct sockaddr *)&address,
                               &len);
        if (!r)
            conn->peer = ip_from_sockaddr((struct sockaddr *)&address);
    }
    if (!r)
        r = uv_read_start(&conn->handle.stream, on_alloc, on_read);
    if (r < 0)
        conn_close(conn);
    return 0;
}

/* Has its address more than its share?  A proxy's is everybody's. */
static bool
is_one_too_many(struct conn *conn)
{
    const struct server *server = conn->server;

    if (conn->exchange.listener != EXCHANGE_PUBLIC || !conn->peer.known ||
        forwarded_trusts(&server->policy->forwarded, &conn->peer))
        return false;
    conn->crowd = true;
    return peers_add(server->peers, &conn->peer) > server->limits.per_ip;
}

static void
conn_begin(struct conn *conn)
{
    bool crowded = is_one_too_many(conn);
    size_t most = conn->server->limits.max_connections;
    size_t now = server_open_count(conn->server);

    if (conn->state != CONN_READING)
        return;
    if (conn->exchange.listener != EXCHANGE_PUBLIC || (now <= most && !crowded))
        conn_next(conn);
    else if (!conn->tls && now <= most + conn->server->limits.turned_away)
        conn_request_refuse(conn, PROBLEM_TOO_BUSY);
    else
        conn_close(conn);
}

void
conn_accept(struct server *server, uv_stream_t *listener,
            enum exchange_listener kind)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    size_t most = server->limits.max_body;

    if (!conn)
        return; /* the peer waits in the backlog until there is memory */
    conn->server = server;
    conn->exchange.listener = kind;
    if (kind == EXCHANGE_PUBLIC && listener->type == UV_TCP && server->tls) {
        conn->tls = tls_new(server->tls);
        if (!conn->tls) {
            free(conn);
            return;
        }
    }
    buf_init(&conn->input, REQUEST_HEAD_MAX + 2 * most + 2 * PIPELINE_MAX +
                               SERVER_READ_BYTES);
    buf_init(&conn->output, SIZE_MAX / 2);
    if (take_handle(conn, listener) < 0)
        conn_free(conn);
    else
        conn_begin(conn);
}
