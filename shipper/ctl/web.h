#pragma once

#include "common/buf.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct settings;

/*
 * HTTP as a browser or an operator speaks it, one request at a time, over TLS
 * with the peer verified, without redirects.  What is AWS's and signed goes
 * through aws_sync.h instead.
 */
enum {
    WEB_BASE_SIZE = 512,
    WEB_SOCKET_SIZE = 108,
    WEB_ERROR_SIZE = 256,
    WEB_TIMEOUT_MS = 15 * 1000,
    WEB_BODY_MAX = 4 * 1024 * 1024,
};

/** Where a server is. */
struct web_place {
    char base[WEB_BASE_SIZE];       /* "https://shop.example" */
    char socket[WEB_SOCKET_SIZE];   /* the path of a Unix socket, or "" */
    char connect_to[WEB_BASE_SIZE]; /* ":PORT" and where that is, or "" */
    const char *ca;                 /* certificates to trust; NULL: the
                                       system's.  Borrowed */
    bool local;                     /* no proxy stands between */
};

/** web_place_url(): @url as a person gives it; paths end without a slash.
 * Return: NULL, or what is wrong with it. */
const char *web_place_url(struct web_place *place, const char *url);

/**
 * web_place_listen(): the first of the addresses in @words, of [listen]; with
 * @certificate, a PEM file, it speaks TLS, and is called by a name in there.
 *
 * Return: NULL, or what is wrong.
 */
const char *web_place_listen(struct web_place *place, const char *words,
                             const char *certificate);

struct web_request {
    const char *method;
    const struct web_place *place;
    const char *path;           /* behind the base ... */
    const char *url;            /* ... or, unless NULL, a whole one */
    const char *const *headers; /* "Name: value", NULL at the end; or NULL */
    struct slice body;          /* NULL data: none */
    int64_t timeout_ms;         /* 0: WEB_TIMEOUT_MS */
};

/** Why there is no answer. */
enum web_fault {
    WEB_FINE,
    WEB_NAME,    /* the host has no address */
    WEB_CONNECT, /* nobody there */
    WEB_TLS,     /* not whom we asked for, or no TLS at all */
    WEB_SILENT,  /* no answer in time, or a broken one */
};

struct web_answer {
    enum web_fault fault;
    char error[WEB_ERROR_SIZE]; /* in words */
    int status;                 /* 0: there is no answer */
    struct buf head;            /* "name: value" lines, NUL-terminated */
    struct buf body;            /* NUL-terminated behind its length */
    int64_t took_ms;
    int64_t sent_ms, date_ms;     /* wall clock, and its Date; 0: none */
    int64_t certificate_after_ms; /* when the peer's ends; 0: none */
};

/**
 * web_ask(): web_answer_deinit() is due in any case.
 *
 * Return: whether there is an answer.
 */
bool web_ask(const struct web_request *request, struct web_answer *answer);
void web_answer_deinit(struct web_answer *answer);

/** web_header(): the value of the first header of that name; empty where there
 * is none. */
struct slice web_header(const struct web_answer *answer, const char *name);
