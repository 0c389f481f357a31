#include "ingest/conn_request.h"

#include "common/clock.h"
#include "common/uuid.h"
#include "ingest/conn.h"
#include "ingest/ids.h"
#include "ingest/policy.h"
#include "ingest/server.h"
#include "ingest/token_cache.h"

#include <stdlib.h>

enum {
    /* Chunk lines and extensions that may come with a body. */
    CHUNK_DUST_MAX = 64 * 1024,

    /* A body of a known length has a few seconds, and time for its bytes at
     * this rate; no more than body_timeout in all. */
    BODY_GRACE_MS = 5000,
    BODY_BYTES_PER_MS = 16,
};

void
conn_request_end(struct conn *conn)
{
    if (conn->begun) {
        policy_release(conn->exchange.policy);
        token_release(conn->exchange.token);
    }
    conn->exchange.token = NULL;
    conn->exchange.waited = false;
    conn->begun = false;
}

static void
exchange_begin(struct conn *conn)
{
    struct exchange *exchange = &conn->exchange;
    struct server *server = conn->server;

    conn->begun = true;
    conn->framed = conn->skips = false;
    exchange->peer = &conn->peer;
    exchange->app = server->app;
    exchange->policy = policy_hold(server->policy);
    exchange->method = REQUEST_OTHER;
    exchange->http_1_0 = false;
    exchange->allow_methods = exchange->allow_origin = NULL;
    exchange->cors = exchange->wait = false;
    exchange->route = NULL;
    exchange->refused = NULL;
    exchange->items_told = false;
    exchange->draining = server->draining;
    exchange->client_ip[0] = exchange->request_id[0] = '\0';
    if (!exchange->waited) {
        exchange->received_ms = clock_wall_ms();
        exchange->received_us = clock_mono_us();
    }
    exchange->send = conn_send;
}

/* Nothing is read behind it, but where it is sure how the request ends. */
void
conn_request_refuse(struct conn *conn, enum problem problem)
{
    uint8_t id[16];

    if (!conn->begun)
        exchange_begin(conn);
    if (!conn->exchange.request_id[0]) {
        ids_uuid7(id, conn->exchange.received_ms);
        uuid_print(conn->exchange.request_id, id);
    }
    conn->handling = true;
    if (!conn->framed || (conn->body_kind != REQUEST_NO_BODY && !conn->skips))
        conn->last = true;
    exchange_problem(&conn->exchange, problem, NULL, (struct slice){NULL, 0},
                     conn->exchange.allow_methods);
}

/* The request is as if it had not begun; conn_unpark() begins it again. */
static void
park(struct conn *conn)
{
    conn_request_end(conn);
    conn->scanned = conn->head_len = 0;
    conn->parked = true;
    conn->server->parked++;
    conn_set_deadline(conn, SERVER_PARKED_MS);
}

/* A whole head stands in @bytes: judge it, and see what body is to come. */
static enum problem
begin_request(struct conn *conn, const char *bytes)
{
    struct request_head *head = &conn->server->head;
    struct exchange *exchange = &conn->exchange;
    enum problem problem;

    exchange_begin(conn);
    problem = request_parse(head, bytes, conn->head_len);
    if (problem)
        return problem;

    conn->framed = true;
    exchange->head = head;
    exchange->method = head->method;
    exchange->http_1_0 = head->http_1_0;
    conn->keep_alive = head->keep_alive;
    conn->body_kind = head->body;
    conn->body_len = head->length;
    conn->told_continue = !head->expect_continue;
    conn->chunks_used = 0;
    problem = conn->server->admit(exchange);
    if (problem)
        return problem;
    if (exchange->wait && conn->server->parked >= SERVER_PARKED_MAX)
        return PROBLEM_KEYS_UNAVAILABLE;
    if (exchange->wait)
        return PROBLEM_NONE;

    if (conn->body_kind == REQUEST_LENGTH &&
        conn->body_len > conn->server->limits.max_body)
        return PROBLEM_BODY_TOO_LARGE;
    if (conn->body_kind == REQUEST_CHUNKED) {
        conn->chunks = request_chunks_new();
        buf_init(&conn->body, conn->server->limits.max_body);
        if (!conn->chunks)
            return PROBLEM_TOO_BUSY;
    }
    return PROBLEM_NONE;
}

/*
 * Return: the length of the request when its body is whole, 0 while it is not,
 * or -1 with *@problem.
 */
static int64_t
body_ready(struct conn *conn, const char *bytes, size_t len,
           enum problem *problem)
{
    size_t at = conn->head_len + conn->chunks_used;
    bool done = false;
    int64_t n;

    switch (conn->body_kind) {
    case REQUEST_NO_BODY:
        return (int64_t)conn->head_len;
    case REQUEST_LENGTH:
        return len - conn->head_len < conn->body_len
                   ? 0
                   : (int64_t)(conn->head_len + conn->body_len);
    case REQUEST_CHUNKED:
        n = request_chunks_feed(conn->chunks, bytes + at, len - at, &conn->body,
                                &done, problem);
        if (n < 0)
            return -1;
        conn->chunks_used += (size_t)n;
        if (conn->chunks_used >
            2 * conn->server->limits.max_body + CHUNK_DUST_MAX) {
            *problem = PROBLEM_BODY_TOO_LARGE; /* dust: a byte a chunk */
            return -1;
        }
        return done ? (int64_t)(conn->head_len + conn->chunks_used) : 0;
    }
    abort();
}

static void
handle_request(struct conn *conn, const char *bytes)
{
    struct exchange *exchange = &conn->exchange;

    exchange->head = &conn->server->head;
    exchange->body =
        conn->body_kind == REQUEST_CHUNKED
            ? (struct slice){conn->body.data, conn->body.len}
            : (struct slice){bytes + conn->head_len, (size_t)conn->body_len};
    conn->state = CONN_HANDLING;
    conn->deadline_ms = 0;
    conn->handling = conn->in_handler = true;
    conn->server->handle(exchange);
    conn->in_handler = false;

    if (conn->body_kind == REQUEST_CHUNKED) {
        request_chunks_free(conn->chunks);
        conn->chunks = NULL;
        buf_deinit(&conn->body);
    }
}

/* A body that is on its way whatever we say, and is not too long, is read and
 * forgotten, so that a refusal costs nobody a connection.  Whoever asked
 * whether to send it may or may not do so now (RFC 9110, section 10.1.1). */
static void
skip_body(struct conn *conn)
{
    conn->skips = conn->framed && conn->body_kind == REQUEST_LENGTH &&
                  conn->told_continue &&
                  conn->body_len <= conn->server->limits.max_body;
    conn->skip = conn->skips ? conn->body_len : 0;
}

static int64_t
body_ms(const struct conn *conn)
{
    int64_t most = conn->server->limits.body_ms, ms = most;

    if (conn->body_kind == REQUEST_LENGTH)
        ms = BODY_GRACE_MS + (int64_t)conn->body_len / BODY_BYTES_PER_MS;
    return ms < most ? ms : most;
}

size_t
conn_request_take(struct conn *conn, const char *bytes, size_t len)
{
    enum problem problem = PROBLEM_NONE;
    bool parsed = false;
    int64_t n;

    if (conn->idle) {
        server_conn_set_idle(conn->server, conn, false);
        conn_set_deadline(conn, conn->server->limits.header_ms);
    }
    if (!conn->head_len) {
        n = request_scan(bytes, len, &conn->scanned, &problem);
        if (n == 0)
            return 0;
        conn->head_len = n > 0 ? (size_t)n : 0;
        if (!problem)
            problem = begin_request(conn, bytes);
        if (!problem && conn->exchange.wait) {
            park(conn);
            return 0;
        }
        parsed = true;
    }

    n = problem ? -1 : body_ready(conn, bytes, len, &problem);
    if (n < 0) {
        n = (int64_t)conn->head_len; /* the answer may begin the next */
        skip_body(conn);
        conn->in_handler = true;
        conn_request_refuse(conn, problem);
        conn->in_handler = false;
        return conn->last ? 0 : (size_t)n;
    }
    if (n == 0) {
        if (parsed)
            conn_set_deadline(conn, body_ms(conn));
        if (!conn->told_continue)
            conn_tell_continue(conn);
        return 0;
    }

    /* The head that was judged has moved with the buffer, or another
     * connection's has taken its place. */
    if (!parsed)
        (void)request_parse(&conn->server->head, bytes, conn->head_len);
    handle_request(conn, bytes);
    return (size_t)n;
}
