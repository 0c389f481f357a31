#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * HTTP/1.1 requests on the loop, over TLS with the peer verified.  Plain HTTP
 * is for whoever asks for it, which is right for loopback alone.  No redirects,
 * cookies, netrc, or proxies of the environment; connections are kept for 4 s
 * between requests, less than the 6 s after which AWS closes them.
 *
 * A request is given to a connection once: where a kept connection turns out
 * to be dead, it goes to a new one only if its body had not gone out whole.
 */
struct http;

enum {
    HTTP_BODY_MAX = 8 * 1024 * 1024, /* of an answer */
    HTTP_HEAD_MAX = 64 * 1024,
    HTTP_VALUE_MAX = 512, /* of a header; a longer one counts as absent */
    HTTP_ERROR_MAX = 256,
};

enum http_method { HTTP_POST, HTTP_GET, HTTP_HEAD };

/** The headers of an answer that somebody asks for; absent: "". */
struct http_headers {
    char date[HTTP_VALUE_MAX];
    char age[HTTP_VALUE_MAX];
    char retry_after[HTTP_VALUE_MAX];
    char retry_after_ms[HTTP_VALUE_MAX]; /* x-amz-retry-after */
    char request_id[HTTP_VALUE_MAX];     /* x-amzn-RequestId */
    char error_type[HTTP_VALUE_MAX];     /* x-amzn-ErrorType */
    char cache_control[HTTP_VALUE_MAX];
    char content_length[HTTP_VALUE_MAX];
    char content_type[HTTP_VALUE_MAX];
    char sha256[HTTP_VALUE_MAX]; /* x-amz-checksum-sha256 */
};

/** http_headers_take(): keep @value where @name is one of these.  Pure. */
void http_headers_take(struct http_headers *headers, struct slice name,
                       struct slice value);

/** Borrowed during http_request.done(). */
struct http_answer {
    int status;        /* 0: there was none */
    bool whole;        /* the answer came to its end */
    bool sent;         /* the last byte of the body went to the connection */
    const char *error; /* what went wrong, in words; "" where whole */
    const struct http_headers *headers;
    struct slice body;
};

/** In the caller's memory, which stays put until done() has run. */
struct http_request {
    enum http_method method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; copied */
    struct slice body;          /* the caller's, until done() */
    int64_t timeout_ms;         /* for all of it */
    bool plain;                 /* http rather than https */
    size_t body_max;            /* of the answer; 0: HTTP_BODY_MAX */
    bool secret;                /* the answer's body is wiped after use */
    void (*done)(struct http_request *request,
                 const struct http_answer *answer);
    void *owner;

    struct http_transfer *transfer; /* private to http.c */
};

/**
 * http_new(): on @loop; @ca_bundle is a file of PEM certificates that takes
 * the place of the system's, or NULL.  Borrowed for the whole life.
 *
 * Return: 0 or -ENOMEM.
 */
int http_new(struct http **http, uv_loop_t *loop, const char *ca_bundle);

/** http_close(): no request may be under way; @loop has to run for a turn. */
void http_close(struct http *http);

/**
 * http_start(): done() runs once, from the loop, never from inside.
 *
 * Return: 0 or -ENOMEM; unless 0, done() will not run.
 */
int http_start(struct http *http, struct http_request *request);

/** http_cancel(): of one under way: done() will not run any more. */
void http_cancel(struct http_request *request);
