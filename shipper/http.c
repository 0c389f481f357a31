#include "shipper/http.h"

#include "common/buf.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    UPLOAD_BUFFER = 64 * 1024,
    CONNECT_TIMEOUT_MS = 10 * 1000,
    IDLE_MAX_S = 3, /* less than 4 s, as curl counts whole seconds */
    KEPT_CONNECTIONS = 8,
};

struct http {
    uv_loop_t *loop;
    uv_timer_t timer;
    CURLM *multi;
    CURL *spare; /* kept between requests for its TLS session */
    const char *ca_bundle;
};

/* One socket that curl wants watched. */
struct http_socket {
    uv_poll_t poll;
    struct http *http;
    curl_socket_t fd;
};

struct http_transfer {
    struct http *http;
    struct http_request *request;
    CURL *easy;
    struct curl_slist *lines;
    size_t taken; /* of the body, by curl */
    bool sent;
    bool secret; /* done() may have freed the request that said so */
    size_t head_bytes;
    struct http_headers headers;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};

static void
transfer_free(struct http_transfer *transfer)
{
    struct curl_slist *line = transfer->lines;

    for (; line; line = line->next) /* among them a session token */
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(transfer->lines);
    if (transfer->secret && transfer->body.data)
        explicit_bzero(transfer->body.data, transfer->body.cap);
    buf_deinit(&transfer->body);
    free(transfer);
}

/* Take @transfer off curl, and keep the handle where none is kept yet. */
static void
detach(struct http_transfer *transfer)
{
    struct http *http = transfer->http;

    (void)curl_multi_remove_handle(http->multi, transfer->easy);
    if (http->spare) {
        curl_easy_cleanup(transfer->easy);
    } else {
        curl_easy_reset(transfer->easy);
        http->spare = transfer->easy;
    }
    transfer->easy = NULL;
}

static void
finish(struct http_transfer *transfer, CURLcode code)
{
    struct http_request *request = transfer->request;
    struct http_answer answer = {
        .whole = code == CURLE_OK,
        .sent = transfer->sent,
        .error = code == CURLE_OK   ? ""
                 : *transfer->error ? transfer->error
                                    : curl_easy_strerror(code),
        .headers = &transfer->headers,
        .body = {transfer->body.data, transfer->body.len},
    };
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = status >= 200 ? (int)status : 0; /* 1xx is no answer */
    detach(transfer);
    request->transfer = NULL;
    request->done(request, &answer);
    transfer_free(transfer);
}

/* Tell about the transfers that have ended.  done() may start and cancel. */
static void
collect(struct http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        CURLcode code = message->data.result;
        struct http_transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                                (char **)&transfer);
        finish(transfer, code);
    }
}

static void
on_timer(uv_timer_t *timer)
{
    struct http *http = timer->data;
    int running;

    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0,
                                   &running);
    collect(http);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_socket *watched = poll->data;
    struct http *http = watched->http; /* @watched may be gone after this */
    int flags = 0, running;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    (void)curl_multi_socket_action(http->multi, watched->fd, flags, &running);
    collect(http);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct http_socket *
watch(struct http *http, curl_socket_t fd)
{
    struct http_socket *watched = calloc(1, sizeof(*watched));

    if (!watched)
        return NULL;
    watched->http = http;
    watched->fd = fd;
    watched->poll.data = watched;
    if (uv_poll_init_socket(http->loop, &watched->poll, fd) < 0) {
        free(watched);
        return NULL;
    }
    (void)curl_multi_assign(http->multi, fd, watched);
    return watched;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
    struct http_socket *watched = assigned;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched) {
            (void)uv_poll_stop(&watched->poll); /* before curl closes it */
            uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
            (void)curl_multi_assign(((struct http *)owner)->multi, fd, NULL);
        }
        return 0;
    }
    if (!watched)
        watched = watch(owner, fd);
    if (!watched)
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&watched->poll, events, on_poll) < 0 ? -1 : 0;
}

static int
on_timeout(CURLM *multi, long timeout_ms, void *owner)
{
    struct http *http = owner;

    (void)multi;
    if (timeout_ms < 0)
        return uv_timer_stop(&http->timer);
    return uv_timer_start(&http->timer, on_timer, (uint64_t)timeout_ms, 0);
}

/* The next part of the body.  After the last one nobody can tell from here
 * whether it arrived. */
static size_t
on_read(char *to, size_t size, size_t count, void *owner)
{
    struct http_transfer *transfer = owner;
    struct slice body = transfer->request->body;
    size_t len = body.len - transfer->taken;

    if (len > size * count)
        len = size * count;
    if (len)
        memcpy(to, body.data + transfer->taken, len);
    transfer->taken += len;
    transfer->sent = transfer->taken == body.len;
    return len;
}

/* curl found a kept connection dead and wants to begin again on another. */
static int
on_seek(void *owner, curl_off_t offset, int origin)
{
    struct http_transfer *transfer = owner;

    if (transfer->sent || origin != SEEK_SET || offset < 0 ||
        (size_t)offset > transfer->request->body.len)
        return CURL_SEEKFUNC_FAIL;
    transfer->taken = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Before each request on a connection: a second one after the body went out
 * whole could store a batch twice. */
static int
on_connected(void *owner, char *to, char *from, int to_port, int from_port)
{
    struct http_transfer *transfer = owner;

    (void)to, (void)from, (void)to_port, (void)from_port;
    if (transfer->sent)
        return CURL_PREREQFUNC_ABORT;
    transfer->sent = !transfer->request->body.len; /* on_read() never runs */
    return CURL_PREREQFUNC_OK;
}

static size_t
on_write(char *bytes, size_t size, size_t count, void *owner)
{
    struct http_transfer *transfer = owner;

    return buf_append(&transfer->body, bytes, size * count) < 0
               ? 0 /* which ends the transfer */
               : size * count;
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *owner)
{
    struct http_transfer *transfer = owner;
    struct slice line = {bytes, size * count}, value;

    transfer->head_bytes += line.len;
    if (transfer->head_bytes > HTTP_HEAD_MAX)
        return 0;
    while (line.len &&
           (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n'))
        line.len--;
    if (line.len >= 5 && !memcmp(line.data, "HTTP/", 5)) {
        transfer->headers = (struct http_headers){.date = ""}; /* after 1xx */
        return size * count;
    }
    line = slice_split(line, ':', &value);
    if (value.data)
        http_headers_take(&transfer->headers, line, slice_trim(value));
    return size * count;
}

static int
add_lines(struct http_transfer *transfer, const char *const *headers)
{
    /* What curl would add by itself. */
    static const char *const without[] = {"Expect:", "Accept:", NULL};
    const char *const *const rows[] = {headers, without};

    for (size_t i = 0; i < 2; i++)
        for (const char *const *line = rows[i]; *line; line++) {
            struct curl_slist *longer =
                curl_slist_append(transfer->lines, *line);

            if (!longer)
                return -ENOMEM;
            transfer->lines = longer;
        }
    return 0;
}

#define set(option, value) (failed |= curl_easy_setopt(easy, option, value))

static bool
set_connection(struct http_transfer *transfer)
{
    const struct http_request *request = transfer->request;
    CURL *easy = transfer->easy;
    long connect_ms = CONNECT_TIMEOUT_MS;
    unsigned failed = 0;

    if (connect_ms > request->timeout_ms)
        connect_ms = (long)request->timeout_ms;
    set(CURLOPT_URL, request->url);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, request->plain ? "http" : "https");
    set(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (transfer->http->ca_bundle)
        set(CURLOPT_CAINFO, transfer->http->ca_bundle);
    set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    set(CURLOPT_QUICK_EXIT, 1L); /* the loop waits for no name server */
#endif
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
    set(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    set(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    return !failed;
}

static bool
set_request(struct http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    unsigned failed = 0;

    set(CURLOPT_PRIVATE, transfer);
    set(CURLOPT_ERRORBUFFER, transfer->error);
    set(CURLOPT_USERAGENT, "clickspool/" CLICKSPOOL_VERSION);
    set(CURLOPT_HTTPHEADER, transfer->lines);
    switch (transfer->request->method) {
    case HTTP_POST:
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDSIZE_LARGE,
            (curl_off_t)transfer->request->body.len);
        break;
    case HTTP_GET:
        set(CURLOPT_HTTPGET, 1L);
        break;
    case HTTP_HEAD:
        set(CURLOPT_NOBODY, 1L);
        break;
    }
    set(CURLOPT_READFUNCTION, on_read);
    set(CURLOPT_READDATA, transfer);
    set(CURLOPT_SEEKFUNCTION, on_seek);
    set(CURLOPT_SEEKDATA, transfer);
    set(CURLOPT_PREREQFUNCTION, on_connected);
    set(CURLOPT_PREREQDATA, transfer);
    set(CURLOPT_WRITEFUNCTION, on_write);
    set(CURLOPT_WRITEDATA, transfer);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, transfer);
    return !failed;
}

#undef set

int
http_start(struct http *http, struct http_request *request)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));

    if (!transfer)
        return -ENOMEM;
    transfer->http = http;
    transfer->request = request;
    transfer->secret = request->secret;
    buf_init(&transfer->body,
             request->body_max ? request->body_max : HTTP_BODY_MAX);
    /* Bytes that are to be wiped never move. */
    if (request->secret &&
        buf_reserve(&transfer->body, request->body_max) < 0) {
        transfer_free(transfer);
        return -ENOMEM;
    }
    transfer->easy = http->spare ? http->spare : curl_easy_init();
    http->spare = NULL;
    if (!transfer->easy || add_lines(transfer, request->headers) < 0 ||
        !set_connection(transfer) || !set_request(transfer) ||
        curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        curl_easy_cleanup(transfer->easy);
        transfer_free(transfer);
        return -ENOMEM;
    }
    request->transfer = transfer;
    return 0;
}

void
http_cancel(struct http_request *request)
{
    detach(request->transfer);
    transfer_free(request->transfer);
    request->transfer = NULL;
}

static bool
set_multi(struct http *http)
{
    unsigned failed = 0;

#define set(option, value)                                                     \
    (failed |= (unsigned)curl_multi_setopt(http->multi, option, value))
    set(CURLMOPT_SOCKETFUNCTION, on_socket);
    set(CURLMOPT_SOCKETDATA, http);
    set(CURLMOPT_TIMERFUNCTION, on_timeout);
    set(CURLMOPT_TIMERDATA, http);
    set(CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    set(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
#undef set
    return !failed;
}

int
http_new(struct http **created, uv_loop_t *loop, const char *ca_bundle)
{
    struct http *http = calloc(1, sizeof(*http));

    if (!http)
        return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return -ENOMEM;
    }
    http->loop = loop;
    http->ca_bundle = ca_bundle;
    http->multi = curl_multi_init();
    if (!http->multi || !set_multi(http)) {
        (void)curl_multi_cleanup(http->multi);
        curl_global_cleanup();
        free(http);
        return -ENOMEM;
    }
    (void)uv_timer_init(loop, &http->timer);
    http->timer.data = http;
    *created = http;
    return 0;
}

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
http_close(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->spare);
    (void)curl_multi_cleanup(http->multi); /* the sockets go, through us */
    curl_global_cleanup();
    uv_close((uv_handle_t *)&http->timer, on_timer_closed);
}
