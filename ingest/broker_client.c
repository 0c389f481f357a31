#include "ingest/broker_client.h"

#include "common/ask.h"
#include "common/backoff.h"
#include "common/buf.h"
#include "common/jitter.h"
#include "common/json.h"
#include "common/log.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 250, CHUNK = 16 * 1024 };

struct broker_client {
    uv_loop_t *loop;
    const char *path;
    void (*up)(void *owner);
    void *owner;

    uv_pipe_t *pipe; /* NULL: none is open or being opened */
    uv_connect_t connect;
    bool connected;
    bool closing;
    bool told; /* that there is no broker */
    unsigned failures;
    int64_t next_try_ms; /* on the loop's clock */
    uv_timer_t tick;

    struct buf input;
    struct broker_query *first, **end; /* in the order they were asked */
    size_t waiting;
    uint64_t last_id;
    char chunk[CHUNK];
};

static int64_t
now_ms(const struct broker_client *client)
{
    return (int64_t)uv_now(client->loop);
}

static void
on_pipe_closed(uv_handle_t *handle)
{
    free(handle);
}

/* The first of those that wait has its answer, or none. */
static void
finish_first(struct broker_client *client, const cJSON *answer)
{
    struct broker_query *query = client->first;

    client->first = query->next;
    if (!client->first)
        client->end = &client->first;
    client->waiting--;
    query->waiting = false;
    query->done(query, answer);
}

/* The input may hold keys. */
static void
drop_input(struct broker_client *client)
{
    if (client->input.data)
        explicit_bzero(client->input.data, client->input.cap);
    buf_clear(&client->input);
}

static void
disconnect(struct broker_client *client, const char *why)
{
    size_t waiting = client->waiting;

    if (!client->pipe)
        return;
    if (client->up && !client->told && !client->closing)
        log_warning("broker_away", log_text("socket", client->path),
                    log_text("why", why),
                    log_text("next", "what is known is used meanwhile"), );
    client->told = true;
    uv_close((uv_handle_t *)client->pipe, on_pipe_closed);
    client->pipe = NULL;
    client->connected = false;
    drop_input(client);
    client->next_try_ms =
        now_ms(client) +
        backoff_delay_ms(BACKOFF_BASE_MS, ++client->failures, jitter_bits());
    while (waiting--)
        finish_first(client, NULL);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct broker_client *client = handle->data;

    (void)suggested;
    *out = uv_buf_init(client->chunk, sizeof(client->chunk));
}

/* Return: whether it was an answer to the first that waits. */
static bool
take_line(struct broker_client *client, struct slice line)
{
    cJSON *answer = ask_read(line);
    uint64_t id = 0;
    bool good;

    good = answer && client->first && json_get_uint(answer, "id", &id) &&
           id == client->first->id;
    if (good)
        finish_first(client, ask_version_ok(answer) ? answer : NULL);
    json_wipe(answer); /* there may be keys in it */
    cJSON_Delete(answer);
    return good;
}

static void
take_lines(struct broker_client *client)
{
    const char *end;
    size_t len;

    while (client->pipe && client->input.len &&
           (end = memchr(client->input.data, '\n', client->input.len))) {
        len = (size_t)(end - client->input.data);
        if (!take_line(client, (struct slice){client->input.data, len})) {
            disconnect(client, "it answers what was not asked");
            return;
        }
        buf_consume(&client->input, len + 1);
    }
    if (client->pipe && !client->input.len)
        drop_input(client);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct broker_client *client = stream->data;

    if ((uv_stream_t *)client->pipe != stream)
        return;
    if (n < 0)
        disconnect(client, uv_strerror((int)n));
    else if (n && buf_append(&client->input, buf->base, (size_t)n) < 0)
        disconnect(client, "an answer is too long");
    else if (n)
        take_lines(client);
    explicit_bzero(client->chunk, n > 0 ? (size_t)n : 0);
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct broker_client *client = request->data;

    if (status == UV_ECANCELED || !client->pipe)
        return;
    if (!status)
        status = uv_read_start((uv_stream_t *)client->pipe, on_alloc, on_read);
    if (status < 0) {
        disconnect(client, uv_strerror(status));
        return;
    }
    client->connected = true;
    client->failures = 0;
    client->told = false;
    if (!client->up)
        return;
    log_notice("broker_connected", log_text("socket", client->path), );
    client->up(client->owner);
}

static void
try_to_connect(struct broker_client *client)
{
    client->pipe = calloc(1, sizeof(*client->pipe));
    if (!client->pipe)
        return;
    (void)uv_pipe_init(client->loop, client->pipe, 0);
    client->pipe->data = client;
    client->connect.data = client;
    uv_pipe_connect(&client->connect, client->pipe, client->path, on_connected);
}

static void
on_tick(uv_timer_t *timer)
{
    struct broker_client *client = timer->data;

    if (!client->pipe && now_ms(client) >= client->next_try_ms)
        try_to_connect(client);
    /* Answers come in order: where the first is late, all are. */
    if (client->first && now_ms(client) >= client->first->deadline_ms)
        disconnect(client, "no answer in time");
}

int
broker_client_ask(struct broker_client *client, struct broker_query *query,
                  const char *members)
{
    struct buf line;
    uv_buf_t bytes;
    int r;

    if (!client->connected)
        return -ENOTCONN;
    if (client->waiting == BROKER_CLIENT_ASKS_MAX)
        return -ENOBUFS;
    query->id = ++client->last_id;
    buf_init(&line, ASK_LINE_MAX);
    ask_begin(&line, query->id);
    (void)buf_putc(&line, ',');
    (void)buf_puts(&line, members);
    ask_end(&line);
    bytes = uv_buf_init(line.data, (unsigned)line.len);
    /* Lines are short and few: where the socket takes no more, shipper has
     * stopped reading. */
    r = line.failed ? line.failed
                    : uv_try_write((uv_stream_t *)client->pipe, &bytes, 1);
    r = r == (int)line.len ? 0 : -ENOBUFS;
    buf_deinit(&line);
    if (r < 0)
        return r;

    query->next = NULL;
    query->waiting = true;
    query->deadline_ms = now_ms(client) + BROKER_CLIENT_TIMEOUT_MS;
    *client->end = query;
    client->end = &query->next;
    client->waiting++;
    return 0;
}

bool
broker_client_is_up(const struct broker_client *client)
{
    return client->connected;
}

int
broker_client_new(struct broker_client **created, uv_loop_t *loop,
                  const char *path, void (*up)(void *owner), void *owner)
{
    struct broker_client *client = calloc(1, sizeof(*client));

    if (!client)
        return -ENOMEM;
    client->loop = loop;
    client->path = path;
    client->up = up;
    client->owner = owner;
    client->end = &client->first;
    buf_init(&client->input, ASK_ANSWER_MAX);
    (void)uv_timer_init(loop, &client->tick);
    client->tick.data = client;
    (void)uv_timer_start(&client->tick, on_tick, 0, TICK_MS);
    *created = client;
    return 0;
}

static void
on_tick_closed(uv_handle_t *handle)
{
    struct broker_client *client = handle->data;

    drop_input(client);
    buf_deinit(&client->input);
    free(client);
}

void
broker_client_close(struct broker_client *client)
{
    if (!client)
        return;
    client->closing = true;
    disconnect(client, "");
    uv_close((uv_handle_t *)&client->tick, on_tick_closed);
}
