#include "shipper/broker.h"

#include "common/ask.h"
#include "common/buf.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/unix_socket.h"
#include "shipper/broker_answer.h"
#include "shipper/cloud.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 16,
    RETRY_MS = 5000,
    ANSWER_USUAL = 16 * 1024, /* so that keys in an answer never move */
};

struct conn {
    uv_pipe_t pipe;
    struct broker *broker;
    struct conn *next;
    struct broker_ask ask;
    struct buf input, output;
    uv_write_t write;
    bool busy; /* from an ask to the end of its answer */
    bool closing;
    char chunk[ASK_LINE_MAX];
};

struct broker {
    struct broker_sources sources;
    const char *path;
    uv_pipe_t *listener; /* NULL: the socket could not be made yet */
    uv_timer_t retry;
    struct conn *first;
    size_t count;
    int told; /* the last error that was logged */
};

static void conn_step(struct conn *conn);

static void
on_conn_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    buf_deinit(&conn->input);
    if (conn->output.data)
        explicit_bzero(conn->output.data, conn->output.cap);
    buf_deinit(&conn->output);
    free(conn);
}

static void
conn_close(struct conn *conn)
{
    struct conn **at = &conn->broker->first;

    if (conn->closing)
        return;
    conn->closing = true;
    broker_answer_cancel(&conn->ask);
    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    conn->broker->count--;
    uv_close((uv_handle_t *)&conn->pipe, on_conn_closed);
}

static void
on_written(uv_write_t *request, int status)
{
    struct conn *conn = request->data;

    if (conn->closing)
        return;
    explicit_bzero(conn->output.data, conn->output.len);
    buf_clear(&conn->output);
    conn->busy = false;
    if (status < 0)
        conn_close(conn);
    else
        conn_step(conn);
}

static void
conn_write(struct conn *conn)
{
    uv_buf_t bytes = uv_buf_init(conn->output.data, (unsigned)conn->output.len);

    conn->write.data = conn;
    if (conn->output.failed ||
        uv_write(&conn->write, (uv_stream_t *)&conn->pipe, &bytes, 1,
                 on_written) < 0)
        conn_close(conn);
}

static void
on_answered(struct broker_ask *ask)
{
    conn_write((struct conn *)((char *)ask - offsetof(struct conn, ask)));
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct conn *conn = handle->data;

    (void)suggested;
    *out = uv_buf_init(conn->chunk, sizeof(conn->chunk));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;

    if (n < 0 || (n && buf_append(&conn->input, buf->base, (size_t)n) < 0))
        conn_close(conn);
    else if (n)
        conn_step(conn);
}

/* Return: as broker_answer(). */
static int
take_line(struct conn *conn, size_t len)
{
    int r;

    conn->busy = true;
    conn->ask.out = &conn->output;
    if (buf_reserve(&conn->output, ANSWER_USUAL) < 0)
        return -ENOMEM;
    r = broker_answer(&conn->ask, (struct slice){conn->input.data, len});
    buf_consume(&conn->input, len + 1);
    return r;
}

/* One ask at a time: nothing is read while one is answered, so whoever asks
 * faster than it reads waits, and holds no more than a line here. */
static void
conn_step(struct conn *conn)
{
    const char *end;
    int r;

    if (conn->busy || conn->closing)
        return;
    end = conn->input.len ? memchr(conn->input.data, '\n', conn->input.len)
                          : NULL;
    if (!end && conn->input.len >= ASK_LINE_MAX) {
        conn_close(conn);
        return;
    }
    if (!end) {
        r = uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read);
        if (r < 0 && r != UV_EALREADY)
            conn_close(conn);
        return;
    }

    (void)uv_read_stop((uv_stream_t *)&conn->pipe);
    r = take_line(conn, (size_t)(end - conn->input.data));
    if (r < 0)
        conn_close(conn);
    else if (r == 0)
        conn_write(conn);
}

static void
on_connection(uv_stream_t *listener, int status)
{
    struct broker *broker = listener->data;
    struct conn *conn;
    int fd = -1;

    if (status < 0)
        return;
    conn = calloc(1, sizeof(*conn));
    if (!conn)
        return;
    conn->broker = broker;
    conn->ask.sources = &broker->sources;
    conn->ask.done = on_answered;
    buf_init(&conn->input, 2 * ASK_LINE_MAX);
    buf_init(&conn->output, ASK_ANSWER_MAX);
    (void)uv_pipe_init(listener->loop, &conn->pipe, 0);
    conn->pipe.data = conn;
    conn->next = broker->first;
    broker->first = conn;
    broker->count++;
    if (uv_accept(listener, (uv_stream_t *)&conn->pipe) < 0 ||
        broker->count > BROKER_CONNECTIONS_MAX ||
        uv_fileno((uv_handle_t *)&conn->pipe, &fd) < 0 ||
        !unix_socket_peer_ok(fd, broker->path))
        conn_close(conn);
    else
        conn_step(conn);
}

static void
on_listener_closed(uv_handle_t *handle)
{
    free(handle);
}

static int
bind_and_listen(struct broker *broker, uv_pipe_t *pipe)
{
    int r;

    unix_socket_remove_stale(broker->path);
    r = uv_pipe_bind(pipe, broker->path);
    if (!r && chmod(broker->path, 0660) < 0)
        r = -errno;
    return r ? r : uv_listen((uv_stream_t *)pipe, BACKLOG, on_connection);
}

static void
try_to_listen(struct broker *broker)
{
    uv_pipe_t *pipe = calloc(1, sizeof(*pipe));
    int r = -ENOMEM;

    if (pipe) {
        (void)uv_pipe_init(broker->sources.cloud->loop, pipe, 0);
        pipe->data = broker;
        r = bind_and_listen(broker, pipe);
    }
    if (!r) {
        broker->listener = pipe;
        (void)uv_timer_stop(&broker->retry);
        log_notice("listening", log_text("for", "the broker"),
                   log_text("address", broker->path), );
        return;
    }
    if (pipe)
        uv_close((uv_handle_t *)pipe, on_listener_closed);
    if (r != broker->told)
        log_error("broker_unusable", log_text("socket", broker->path),
                  log_errno(r),
                  log_text("next", "tried again every 5 s; events are shipped "
                                   "meanwhile"), );
    broker->told = r;
}

static void
on_retry(uv_timer_t *timer)
{
    try_to_listen(timer->data);
}

int
broker_new(struct broker **created, const struct broker_sources *sources)
{
    struct broker *broker = calloc(1, sizeof(*broker));

    if (!broker)
        return -ENOMEM;
    broker->sources = *sources;
    broker->path = sources->cloud->settings->broker.socket;
    (void)uv_timer_init(sources->cloud->loop, &broker->retry);
    broker->retry.data = broker;
    (void)uv_timer_start(&broker->retry, on_retry, RETRY_MS, RETRY_MS);
    try_to_listen(broker);
    *created = broker;
    return 0;
}

static void
on_retry_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
broker_close(struct broker *broker)
{
    if (!broker)
        return;
    while (broker->first)
        conn_close(broker->first);
    if (broker->listener)
        uv_close((uv_handle_t *)broker->listener, on_listener_closed);
    uv_close((uv_handle_t *)&broker->retry, on_retry_closed);
}
