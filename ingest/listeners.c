#include "ingest/listeners.h"

#include "common/log.h"
#include "common/settings.h"
#include "common/unix_socket.h"
#include "ingest/address.h"
#include "ingest/conn.h"
#include "ingest/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

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
on_connection(uv_stream_t *stream, int status)
{
    struct server_listener *listener = stream->data;

    if (status < 0) {
        log_warning("accept_failed", log_text("error", uv_strerror(status)), );
        return;
    }
    /* Operators get in however many clients there are. */
    if (listener->kind == EXCHANGE_PUBLIC)
        server_make_room(listener->server);
    conn_accept(listener->server, stream, listener->kind);
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
listeners_check(struct settings *settings)
{
    if (!check_words(settings, "listen.public", settings->listen.public))
        settings_complain(settings, "listen.public",
                          "give at least one address");
    (void)check_words(settings, "listen.internal", settings->listen.internal);
    (void)check_words(settings, "listen.admin", settings->listen.admin);
}

static const char *
kind_name(enum exchange_listener kind)
{
    static const char *const names[] = {[EXCHANGE_PUBLIC] = "public",
                                        [EXCHANGE_INTERNAL] = "internal",
                                        [EXCHANGE_ADMIN] = "admin"};

    return names[kind];
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

static int
bind_listener(struct server_listener *listener, const struct address *address)
{
    uv_loop_t *loop = listener->server->loop;
    int r;

    if (*address->path) {
        unix_socket_remove_stale(address->path);
        r = uv_pipe_init(loop, &listener->handle.pipe, 0);
        if (!r)
            r = uv_pipe_bind(&listener->handle.pipe, address->path);
        /* Who may write to it is its group's, or its folder's, to say. */
        if (!r && listener->kind == EXCHANGE_INTERNAL &&
            chmod(address->path, 0660) < 0)
            r = -errno;
        return r;
    }
    r = uv_tcp_init(loop, &listener->handle.tcp);
    return r ? r
             : uv_tcp_bind(&listener->handle.tcp,
                           (const struct sockaddr *)&address->ip, 0);
}

static void on_listener_closed(uv_handle_t *handle);

/* Browsers' events are taken even where the API's cannot be. */
static int
discard(struct server_listener *listener)
{
    listener->handle.stream.data = listener;
    if (listener != listener->server->listeners) /* it never listened */
        uv_close((uv_handle_t *)&listener->handle, on_listener_closed);
    return 0;
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
        if (r && kind == EXCHANGE_INTERNAL)
            r = discard(listener);
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
adopt_all(struct server *server, bool taken[EXCHANGE_LISTENERS])
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
        if (slice_is(name, "internal"))
            kind = EXCHANGE_INTERNAL;
        taken[kind] = true;
        r = adopt(server, kind, fd);
    }
    if (r)
        log_error("inherited_socket_failed", log_errno(r), );
    return r;
}

/* Whether @listener's socket stands at @address. */
static bool
stands_at(const struct server_listener *listener, const struct address *address)
{
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof(name);
    uv_os_fd_t fd;

    return uv_fileno((const uv_handle_t *)&listener->handle, &fd) == 0 &&
           getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
           address_is(address, &name);
}

static bool
is_named(const struct server_listener *listener, const char *words)
{
    struct address address;
    struct slice word;

    while ((word.data = settings_word(&words, &word.len)))
        if (address_parse(&address, word) && stands_at(listener, &address))
            return true;
    return false;
}

/* systemd's sockets take the place of the settings: where the two differ,
 * somebody has changed the one and not the other. */
static void
report_differences(const struct server *server, enum exchange_listener kind,
                   const char *words)
{
    const struct server_listener *listener;
    const char *all = words;
    struct address address;
    struct slice word;
    char text[160];

    for (listener = server->listeners; listener; listener = listener->next)
        if (listener->kind == kind && !is_named(listener, words))
            log_warning("socket_not_in_settings",
                        log_text("for", kind_name(kind)),
                        log_text("setting", all), );
    while ((word.data = settings_word(&words, &word.len))) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)word.len, word.data);
        listener = server->listeners;
        while (listener &&
               (listener->kind != kind || !address_parse(&address, word) ||
                !stands_at(listener, &address)))
            listener = listener->next;
        if (!listener)
            log_warning("setting_has_no_socket",
                        log_text("for", kind_name(kind)),
                        log_text("address", text), );
    }
}

int
listeners_open(struct server *server, const struct settings *settings)
{
    const char *words[] = {[EXCHANGE_PUBLIC] = settings->listen.public,
                           [EXCHANGE_INTERNAL] = settings->listen.internal,
                           [EXCHANGE_ADMIN] = settings->listen.admin};
    bool taken[EXCHANGE_LISTENERS] = {false};
    int r = adopt_all(server, taken);

    for (int kind = EXCHANGE_PUBLIC; kind < EXCHANGE_LISTENERS && !r; kind++)
        if (taken[kind])
            report_differences(server, (enum exchange_listener)kind,
                               words[kind]);
        else
            r = listen_words(server, (enum exchange_listener)kind, words[kind]);
    return r;
}

static void
on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
listeners_close(struct server *server)
{
    struct server_listener *listener = server->listeners, *next;

    server->listeners = NULL;
    for (; listener; listener = next) {
        next = listener->next;
        uv_close((uv_handle_t *)&listener->handle, on_listener_closed);
    }
}
