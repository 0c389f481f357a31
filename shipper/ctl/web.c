#include "shipper/ctl/web.h"

#include "common/clock.h"
#include "common/timefmt.h"
#include "shipper/ctl/certificate.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_MAX = 64 * 1024,
    URL_MAX = 16 * 1024, /* a presigned one carries a session token */
    CONNECT_TIMEOUT_MS = 10 * 1000,
};

static size_t
on_bytes(char *bytes, size_t size, size_t count, void *owner)
{
    return buf_append(owner, bytes, size * count) < 0 ? 0 : size * count;
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *owner)
{
    struct buf *head = owner;
    size_t len = size * count;

    if (len >= 5 && !memcmp(bytes, "HTTP/", 5))
        buf_clear(head); /* what came before was a 1xx */
    while (len && (bytes[len - 1] == '\r' || bytes[len - 1] == '\n'))
        len--;
    return buf_append(head, bytes, len) < 0 || buf_putc(head, '\n') < 0
               ? 0
               : size * count;
}

static enum web_fault
fault_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return WEB_FINE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return WEB_NAME;
    case CURLE_COULDNT_CONNECT:
        return WEB_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
        return WEB_TLS;
    default:
        return WEB_SILENT;
    }
}

static struct curl_slist *
list_of(const char *const *lines)
{
    struct curl_slist *list = NULL, *longer;

    /* What curl would add by itself. */
    for (longer = list = curl_slist_append(NULL, "Expect:");
         longer && lines && *lines; lines++)
        longer = curl_slist_append(list, *lines);
    if (!longer) {
        curl_slist_free_all(list);
        return NULL;
    }
    return list;
}

#define set(option, value)                                                     \
    (failed |= (unsigned)curl_easy_setopt(easy, option, value))

static bool
set_place(CURL *easy, const struct web_place *place,
          struct curl_slist *connect_to)
{
    unsigned failed = 0;

    if (*place->socket)
        set(CURLOPT_UNIX_SOCKET_PATH, place->socket);
    if (connect_to)
        set(CURLOPT_CONNECT_TO, connect_to);
    if (place->local)
        set(CURLOPT_PROXY, "");
    if (place->ca)
        set(CURLOPT_CAINFO, place->ca);
    set(CURLOPT_CERTINFO, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    return !failed;
}

static bool
set_request(CURL *easy, const struct web_request *request,
            struct web_answer *answer)
{
    long timeout_ms =
        request->timeout_ms ? (long)request->timeout_ms : (long)WEB_TIMEOUT_MS;
    unsigned failed = 0;

    set(CURLOPT_CUSTOMREQUEST, request->method);
    if (!strcmp(request->method, "HEAD"))
        set(CURLOPT_NOBODY, 1L);
    set(CURLOPT_USERAGENT, "clickspoolctl/" CLICKSPOOL_VERSION);
    set(CURLOPT_TIMEOUT_MS, timeout_ms);
    if (request->body.data) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        set(CURLOPT_POSTFIELDS, request->body.data);
    }
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, &answer->head);
    set(CURLOPT_WRITEFUNCTION, on_bytes);
    set(CURLOPT_WRITEDATA, &answer->body);
    set(CURLOPT_ERRORBUFFER, answer->error);
    return !failed;
}

#undef set

static void
take_certificate(CURL *easy, struct web_answer *answer)
{
    struct curl_certinfo *chain = NULL;
    struct certificate certificate;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK ||
        !chain || !chain->num_of_certs)
        return;
    for (struct curl_slist *row = chain->certinfo[0]; row; row = row->next)
        if (!strncmp(row->data, "Cert:", 5) &&
            certificate_parse(&certificate, row->data + 5) == 0)
            answer->certificate_after_ms = certificate.not_after_ms;
}

static bool
set_url(CURL *easy, const struct web_request *request)
{
    const char *base = request->url ? request->url : request->place->base;
    const char *path = request->url ? "" : request->path;
    struct buf url;
    bool done;

    buf_init(&url, URL_MAX);
    (void)buf_printf(&url, "%s%s", base, path);
    (void)buf_putc(&url, '\0');
    done = !url.failed &&
           curl_easy_setopt(easy, CURLOPT_URL, url.data) == CURLE_OK;
    buf_deinit(&url);
    return done;
}

static CURLcode
perform(CURL *easy, const struct web_request *request,
        struct web_answer *answer)
{
    struct curl_slist *headers = list_of(request->headers), *connect_to = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;

    if (*request->place->connect_to)
        connect_to = curl_slist_append(NULL, request->place->connect_to);
    if (headers && (connect_to || !*request->place->connect_to) &&
        set_place(easy, request->place, connect_to) &&
        set_request(easy, request, answer) && set_url(easy, request) &&
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK)
        code = curl_easy_perform(easy);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        answer->status = (int)status;
    take_certificate(easy, answer);
    curl_slist_free_all(headers);
    curl_slist_free_all(connect_to);
    return code;
}

bool
web_ask(const struct web_request *request, struct web_answer *answer)
{
    int64_t began_us = clock_mono_us();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    struct slice date;
    CURL *easy;

    *answer = (struct web_answer){.sent_ms = clock_wall_ms()};
    buf_init(&answer->head, HEAD_MAX);
    buf_init(&answer->body, WEB_BODY_MAX);
    easy = curl_easy_init(); /* which sets libcurl up as well */
    if (easy)
        code = perform(easy, request, answer);
    curl_easy_cleanup(easy);
    answer->took_ms = (clock_mono_us() - began_us) / 1000;
    answer->fault = fault_of(code);
    if (code != CURLE_OK && !*answer->error)
        (void)snprintf(answer->error, sizeof(answer->error), "%s",
                       curl_easy_strerror(code));
    (void)buf_putc(&answer->head, '\0');
    /* Behind its length, for who reads it as text. */
    if (buf_putc(&answer->body, '\0') == 0)
        answer->body.len--;
    date = web_header(answer, "date");
    (void)timefmt_parse_http(date.data, date.len, &answer->date_ms);
    return answer->fault == WEB_FINE && answer->status;
}

void
web_answer_deinit(struct web_answer *answer)
{
    buf_deinit(&answer->head);
    buf_deinit(&answer->body);
}

struct slice
web_header(const struct web_answer *answer, const char *name)
{
    struct slice rest = {answer->head.data, answer->head.len};

    while (rest.len) {
        struct slice line = slice_split(rest, '\n', &rest), value;

        line = slice_split(line, ':', &value);
        if (value.data && slice_is_nocase(line, name))
            return slice_trim(value);
    }
    return (struct slice){"", 0};
}
