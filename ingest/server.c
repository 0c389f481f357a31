#include "ingest/server.h"

#include "common/log.h"
#include "common/settings.h"
#include "ingest/address.h"
#include "ingest/conn.h"
#include "ingest/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    SWEEP_MOST_MS = 250, /* how late a deadline may be noticed */
    SWEEP_LEAST_MS = 20,
    ANSWER_MAX = 1024 * 1024,
};

struct server_listener {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    struct server *server;
    struct server_listener *next;
    enum exchange_listener kind;
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
server_conn_closed(struct server *server, struct conn *conn)
{
    list_remove(conn->idle ? &server->idle : &server->busy, conn);
    server->connections--;
    if (server->draining && !server->connections)
        server->drained(server);
}

/* The table is full: who has waited longest without a request gives way. */
static void
make_room(struct server *server)
{
    struct conn *conn = server->idle.first;

    if (server->connections < server->limits.max_connections)
        return;
    while (conn && conn->state == CONN_CLOSING)
        conn = conn->next;
    if (conn)
        conn_close(conn);
}

static void
on_connection(uv_stream_t *stream, int status)
{
    struct server_listener *listener = stream->data;

    if (status < 0) {
        log_warning("accept_failed", log_text("error", uv_strerror(status)), );
        return;
    }
    /* Operators get in however many clients there are. */
    if (listener->kind == EXCHANGE_PUBLIC)
        make_room(listener->server);
    conn_accept(listener->server, stream, listener->kind);
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

static int
check_words(struct settings *settings, const char *key, const char *words)
{
    struct address address;
    struct slice word;
    int count = 0;

    while ((word.data = settings_word(&words, &word.len))) {
        count++;
        if (!address_parse(&address, word))
            settings_complain(settings, key,
                              "\"%.*s\" is no address: give ADDRESS:PORT, "
                              "[ADDRESS]:PORT or unix:/PATH",
                              (int)word.len, word.data);
        else if (!strcmp(key, "listen.public") && address_is_public(&address))
            settings_warn(settings, key,
                          "\"%.*s\" can be reached from other machines, in "
                          "plain HTTP",
                          (int)word.len, word.data);
    }
    return count;
}

void
server_check(struct settings *settings)
{
    if (!check_words(settings, "listen.public", settings->listen.public))
        settings_complain(settings, "listen.public",
                          "give at least one address");
    (void)check_words(settings, "listen.admin", settings->listen.admin);
}

static const char *
kind_name(enum exchange_listener kind)
{
    return kind == EXCHANGE_PUBLIC ? "public" : "admin";
}

/* In the server's list; its handle is not yet the loop's. */
static struct server_listener *
add_listener(struct server *server, enum exchange_listener kind)
{
    struct server_listener *listener = calloc(1, sizeof(*listener));

    if (!listener)
        return NULL;
    listener->server = server;
    listener->kind = kind;
    return listener;
}

static int
start_listener(struct server_listener *listener, const char *where)
{
    struct server *server = listener->server;
    int r;

    listener->handle.stream.data = listener;
    listener->next = server->listeners;
    server->listeners = listener;
    r = uv_listen(&listener->handle.stream, BACKLOG, on_connection);
    if (!r)
        log_notice("listening", log_text("for", kind_name(listener->kind)),
                   log_text("address", where), );
    return r;
}

/* A socket file that nobody answers on is what a crash has left. */
static void
remove_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

static int
bind_listener(struct server_listener *listener, const struct address *address)
{
    uv_loop_t *loop = listener->server->loop;
    int r;

    if (*address->path) {
        remove_stale(address->path);
        r = uv_pipe_init(loop, &listener->handle.pipe, 0);
        return r ? r : uv_pipe_bind(&listener->handle.pipe, address->path);
    }
    r = uv_tcp_init(loop, &listener->handle.tcp);
    return r ? r
             : uv_tcp_bind(&listener->handle.tcp,
                           (const struct sockaddr *)&address->ip, 0);
}

static int
listen_words(struct server *server, enum exchange_listener kind,
             const char *words)
{
    struct address address;
    struct slice word;
    int r = 0;

    while (!r && (word.data = settings_word(&words, &word.len))) {
        struct server_listener *listener = add_listener(server, kind);
        char text[160];

        if (!listener)
            return -ENOMEM;
        (void)snprintf(text, sizeof(text), "%.*s", (int)word.len, word.data);
        if (!address_parse(&address, word))
            r = -EINVAL;
        if (!r)
            r = bind_listener(listener, &address);
        if (!r)
            r = start_listener(listener, text);
        if (r)
            log_error("listen_failed", log_text("for", kind_name(kind)),
                      log_text("address", text), log_errno(r), );
    }
    return r;
}

static int
adopt(struct server *server, enum exchange_listener kind, int fd)
{
    struct server_listener *listener = add_listener(server, kind);
    int domain = 0, r;
    socklen_t len = sizeof(domain);

    if (!listener)
        return -ENOMEM;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
        return -errno;
    if (domain == AF_UNIX) {
        r = uv_pipe_init(server->loop, &listener->handle.pipe, 0);
        if (!r)
            r = uv_pipe_open(&listener->handle.pipe, fd);
    } else {
        r = uv_tcp_init(server->loop, &listener->handle.tcp);
        if (!r)
            r = uv_tcp_open(&listener->handle.tcp, fd);
    }
    return r ? r : start_listener(listener, "inherited");
}

/* sd_listen_fds(3).  @taken: which kinds came so. */
static int
adopt_all(struct server *server, bool taken[2])
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    const char *given = getenv("LISTEN_FDNAMES");
    struct slice name, rest = {given, given ? strlen(given) : 0};
    long count = fds ? strtol(fds, NULL, 10) : 0;
    int r = 0;

    if (!pid || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    for (int fd = 3; fd < 3 + count && !r; fd++) {
        enum exchange_listener kind = EXCHANGE_PUBLIC;

        name = slice_split(rest, ':', &rest);
        if (slice_is(name, "admin"))
            kind = EXCHANGE_ADMIN;
        else if (given && !slice_is(name, "public"))
            log_warning("socket_of_unknown_name", log_int("fd", fd), );
        taken[kind] = true;
        r = adopt(server, kind, fd);
    }
    if (r)
        log_error("inherited_socket_failed", log_errno(r), );
    return r;
}

int
server_open(struct server *server, uv_loop_t *loop,
            const struct settings *settings, struct policy *policy)
{
    bool taken[2] = {false, false};
    int r;

    server->loop = loop;
    server->policy = policy;
    server->limits = (struct server_limits){
        .max_connections = (size_t)settings->http.max_connections,
        .max_body = (size_t)settings->http.max_body,
        .header_ms = settings->http.header_timeout,
        .body_ms = settings->http.body_timeout,
        .idle_ms = settings->http.idle_timeout,
    };
    buf_init(&server->out, ANSWER_MAX);

    r = start_sweep(server);
    if (!r)
        r = adopt_all(server, taken);
    if (!r && !taken[EXCHANGE_PUBLIC])
        r = listen_words(server, EXCHANGE_PUBLIC, settings->listen.public);
    if (!r && !taken[EXCHANGE_ADMIN])
        r = listen_words(server, EXCHANGE_ADMIN, settings->listen.admin);
    return r;
}

void
server_set_policy(struct server *server, struct policy *policy)
{
    policy_release(server->policy);
    server->policy = policy;
}

static void
on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
server_drain(struct server *server, void (*drained)(struct server *))
{
    struct server_listener *listener = server->listeners, *next;
    struct conn *conn, *following;

    server->draining = true;
    server->drained = drained;
    server->listeners = NULL;
    for (; listener; listener = next) {
        next = listener->next;
        uv_close((uv_handle_t *)&listener->handle, on_listener_closed);
    }
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
    buf_deinit(&server->out);
}
