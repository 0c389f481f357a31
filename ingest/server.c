#include "ingest/server.h"

#include "common/log.h"
#include "common/settings.h"
#include "ingest/conn.h"
#include "ingest/ids.h"
#include "ingest/listeners.h"
#include "ingest/peers.h"
#include "ingest/policy.h"

#include <errno.h>
#include <sys/resource.h>

enum {
    SWEEP_MOST_MS = 250, /* how late a deadline may be noticed */
    SWEEP_LEAST_MS = 20,
    ANSWER_MAX = 1024 * 1024,
    DESCRIPTORS_KEPT = 64, /* spool, log, loop, listeners, operators */
    TURNED_AWAY_MAX = 256, /* connections past the limit, to be told so */
};

static void
list_remove(struct server_list *list, struct conn *conn)
{
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        list->first = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    else
        list->last = conn->prev;
}

static void
list_append(struct server_list *list, struct conn *conn)
{
    conn->prev = list->last;
    conn->next = NULL;
    if (list->last)
        list->last->next = conn;
    else
        list->first = conn;
    list->last = conn;
}

void
server_conn_opened(struct server *server, struct conn *conn)
{
    server->connections++;
    list_append(&server->busy, conn);
}

void
server_conn_set_idle(struct server *server, struct conn *conn, bool idle)
{
    if (conn->idle == idle)
        return;
    list_remove(idle ? &server->busy : &server->idle, conn);
    list_append(idle ? &server->idle : &server->busy, conn);
    conn->idle = idle;
}

void
server_conn_closing(struct server *server)
{
    server->closing++;
}

void
server_conn_closed(struct server *server, struct conn *conn)
{
    list_remove(conn->idle ? &server->idle : &server->busy, conn);
    server->connections--;
    server->closing--;
    if (server->draining && !server->connections)
        server->drained(server);
}

size_t
server_open_count(const struct server *server)
{
    return server->connections - server->closing;
}

void
server_make_room(struct server *server)
{
    struct conn *conn = server->idle.first;

    if (server_open_count(server) < server->limits.max_connections)
        return;
    while (conn && conn->state == CONN_CLOSING)
        conn = conn->next;
    if (conn)
        conn_close(conn);
}

static void
expire(struct server_list *list, int64_t now_ms)
{
    struct conn *conn, *next;

    for (conn = list->first; conn; conn = next) {
        next = conn->next;
        if (conn->state != CONN_CLOSING && conn->deadline_ms &&
            now_ms >= conn->deadline_ms)
            conn_expire(conn);
    }
}

static void
on_sweep(uv_timer_t *timer)
{
    struct server *server = timer->data;
    int64_t now_ms = (int64_t)uv_now(server->loop);

    expire(&server->busy, now_ms);
    expire(&server->idle, now_ms);
}

static int
start_sweep(struct server *server)
{
    const struct server_limits *limits = &server->limits;
    int64_t every = limits->header_ms;
    int r;

    if (limits->body_ms < every)
        every = limits->body_ms;
    if (limits->idle_ms < every)
        every = limits->idle_ms;
    every /= 8;
    if (every > SWEEP_MOST_MS)
        every = SWEEP_MOST_MS;
    if (every < SWEEP_LEAST_MS)
        every = SWEEP_LEAST_MS;

    r = uv_timer_init(server->loop, &server->sweep);
    server->sweep.data = server;
    return r ? r
             : uv_timer_start(&server->sweep, on_sweep, (uint64_t)every,
                              (uint64_t)every);
}

/*
 * As many connections as there are descriptors for, so that accept() never
 * fails for want of them, and the spool always has its own.
 */
static void
fit_descriptors(struct server_limits *limits)
{
    struct rlimit files;
    size_t room;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        (void)getrlimit(RLIMIT_NOFILE, &files); /* then as it is */
    room = files.rlim_cur > DESCRIPTORS_KEPT
               ? (size_t)files.rlim_cur - DESCRIPTORS_KEPT
               : 1;
    limits->turned_away =
        room / 8 < TURNED_AWAY_MAX ? room / 8 : TURNED_AWAY_MAX;
    room -= limits->turned_away;
    if (limits->max_connections <= room)
        return;
    log_warning("max_connections_lowered",
                log_int("wanted", (int64_t)limits->max_connections),
                log_int("now", (int64_t)room),
                log_text("cause", "the limit of open files"), );
    limits->max_connections = room;
}

int
server_open(struct server *server, uv_loop_t *loop,
            const struct settings *settings, struct policy *policy)
{
    uint8_t key[16];
    int r;

    server->loop = loop;
    server->policy = policy;
    server->limits = (struct server_limits){
        .max_connections = (size_t)settings->http.max_connections,
        .per_ip = (unsigned)settings->http.max_connections_per_ip,
        .max_body = (size_t)settings->http.max_body,
        .header_ms = settings->http.header_timeout,
        .body_ms = settings->http.body_timeout,
        .idle_ms = settings->http.idle_timeout,
    };
    fit_descriptors(&server->limits);
    buf_init(&server->out, ANSWER_MAX);
    buf_init(&server->cipher, 2 * ANSWER_MAX);

    ids_random(key, sizeof(key));
    server->peers = peers_new(key);
    if (!server->peers)
        return -ENOMEM;
    r = start_sweep(server);
    return r ? r : listeners_open(server, settings);
}

void
server_set_policy(struct server *server, struct policy *policy)
{
    policy_release(server->policy);
    server->policy = policy;
}

void
server_set_tls(struct server *server, struct tls_context *tls)
{
    tls_context_free(server->tls);
    server->tls = tls;
}

void
server_unpark(struct server *server)
{
    struct conn *conn, *following;

    for (conn = server->busy.first; conn && server->parked; conn = following) {
        following = conn->next;
        conn_unpark(conn);
    }
}

void
server_drain(struct server *server, void (*drained)(struct server *))
{
    struct conn *conn, *following;

    server->draining = true;
    server->drained = drained;
    listeners_close(server);
    for (conn = server->busy.first; conn; conn = conn->next)
        conn_drain(conn);
    for (conn = server->idle.first; conn; conn = following) {
        following = conn->next;
        conn_drain(conn);
    }
    if (!server->connections)
        drained(server);
}

void
server_close_all(struct server *server)
{
    for (struct conn *conn = server->busy.first; conn; conn = conn->next)
        conn_close(conn);
    for (struct conn *conn = server->idle.first; conn; conn = conn->next)
        conn_close(conn);
}

void
server_deinit(struct server *server)
{
    if (server->sweep.data && !uv_is_closing((uv_handle_t *)&server->sweep))
        uv_close((uv_handle_t *)&server->sweep, NULL);
    policy_release(server->policy);
    server->policy = NULL;
    peers_free(server->peers);
    server->peers = NULL;
    server_set_tls(server, NULL);
    buf_deinit(&server->out);
    buf_deinit(&server->cipher);
}
