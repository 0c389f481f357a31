#pragma once

#include "common/buf.h"
#include "ingest/exchange.h"
#include "ingest/response.h"
#include "ingest/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct conn;
struct peers;
struct policy;
struct settings;

/*
 * Listeners, and the connections that came through them: how many there may
 * be, which one gives way, and when each has had its time.
 */
enum {
    SERVER_READ_BYTES = 64 * 1024,
    SERVER_BUFFERED_MAX = 32 * 1024 * 1024, /* over all connections */
    SERVER_PARKED_MAX = 256,
    SERVER_PARKED_MS = 3000,
};

struct server_limits {
    size_t max_connections; /* public ones */
    size_t turned_away;     /* past those, to be told so */
    unsigned per_ip;        /* public ones of one address */
    size_t max_body;
    int64_t header_ms, body_ms, idle_ms;
};

/** Connections in order of their last change of state. */
struct server_list {
    struct conn *first, *last;
};

struct server {
    uv_loop_t *loop;
    struct server_limits limits;
    struct policy *policy;   /* for requests to come */
    struct tls_context *tls; /* for connections to come; NULL: plain */
    /* Judges a head before its body is read: PROBLEM_NONE to go on. */
    enum problem (*admit)(struct exchange *exchange);
    void (*handle)(struct exchange *exchange);
    /* An answer is on its way; or NULL. */
    void (*sent)(const struct exchange *exchange, int status);
    void *app;       /* what the handlers serve */
    void *app_owner; /* for drained() */

    struct server_listener *listeners; /* that listen */
    uv_timer_t sweep;
    struct server_list busy, idle;
    struct peers *peers;
    size_t connections;
    size_t closing;  /* of these, no longer open */
    size_t parked;   /* that wait for keys */
    size_t buffered; /* bytes of requests that are not yet whole */
    bool draining;
    void (*drained)(struct server *server);

    /* Shared by all connections, as one loop serves one at a time. */
    struct response_date date;
    struct request_head head;
    struct buf out;
    struct buf cipher;         /* what is to be sent through TLS */
    char plain[TLS_PLAIN_MAX]; /* what has come through it */
    char read[SERVER_READ_BYTES];
};

/**
 * server_open(): listen and serve; see listeners_open().  @server is zeroed
 * but for admit, handle and app.
 *
 * Return: 0, or a negative errno that has been logged.
 */
int server_open(struct server *server, uv_loop_t *loop,
                const struct settings *settings, struct policy *policy);

/** server_set_policy(): for the requests to come; @policy is taken over. */
void server_set_policy(struct server *server, struct policy *policy);

/** server_set_tls(): for the connections to come; @tls is taken over. */
void server_set_tls(struct server *server, struct tls_context *tls);

/**
 * server_drain(): no new connections; those that are open end with the answer
 * that is due.  drained() is called when the last has gone.
 */
void server_drain(struct server *server, void (*drained)(struct server *));

/** server_close_all(): end what is still open, answered or not. */
void server_close_all(struct server *server);

/** server_unpark(): judge what waited for keys. */
void server_unpark(struct server *server);

/** server_open_count(): connections that are not closing. */
size_t server_open_count(const struct server *server);

/** server_make_room(): where there is none for one more connection, the one
 * that has waited longest without a request gives way. */
void server_make_room(struct server *server);

void server_deinit(struct server *server);
