#pragma once

#include "common/slice.h"
#include "ingest/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Bytes to a request: RFC 9112, strictly.  llhttp (strict mode) parses; what
 * it lets through and a server that others rely on must not is refused here:
 * bare LF, folded lines, odd request lines, doubtful framing, trailers that
 * change the message.  Pure: no sockets, no clock.
 */
enum {
    REQUEST_HEAD_MAX = 16 * 1024,
    REQUEST_TARGET_MAX = 2 * 1024,
    REQUEST_FIELDS_MAX = 64,
    REQUEST_EXTENSIONS_MAX = 1024, /* bytes of chunk extensions */
    REQUEST_TRAILER_MAX = 4 * 1024,
};

enum request_method {
    REQUEST_GET,
    REQUEST_HEAD,
    REQUEST_POST,
    REQUEST_OPTIONS,
    REQUEST_OTHER,
};

enum request_body {
    REQUEST_NO_BODY,
    REQUEST_LENGTH,
    REQUEST_CHUNKED,
};

struct request_field {
    struct slice name, value;
};

/* A parsed head; its slices point into the bytes that were parsed. */
struct request_head {
    enum request_method method;
    struct slice path, query;
    struct request_field fields[REQUEST_FIELDS_MAX];
    size_t field_count;
    struct slice host;
    enum request_body body;
    uint64_t length; /* of the body, for REQUEST_LENGTH */
    bool http_1_0;
    bool keep_alive;
    bool expect_continue;
};

/**
 * request_scan(): look for the end of a head in @bytes, judging each line as
 * it is whole.  *@scanned is 0 for a new head and is carried from call to call
 * as more bytes arrive behind the same ones.
 *
 * Return: the length of the head, blank line included; 0 where more is needed;
 * or -1 with *@problem.
 */
int64_t request_scan(const char *bytes, size_t len, size_t *scanned,
                     enum problem *problem);

/** request_parse(): the @len bytes of a scanned head. */
enum problem request_parse(struct request_head *head, const char *bytes,
                           size_t len);

/** request_field(): the value of the first field of that name, or NULL data. */
struct slice request_field(const struct request_head *head, const char *name);

/** request_field_count(): how many fields have that name. */
size_t request_field_count(const struct request_head *head, const char *name);

/*
 * A chunked body on its way, decoded as it arrives.
 */
struct request_chunks;

struct request_chunks *request_chunks_new(void);
void request_chunks_free(struct request_chunks *chunks);

/**
 * request_chunks_feed(): decode the next @len bytes into @body, whose limit is
 * that of the body.
 *
 * Return: the bytes used; fewer than @len only at the end of the message, when
 * *@done is set; or -1 with *@problem.
 */
int64_t request_chunks_feed(struct request_chunks *chunks, const char *bytes,
                            size_t len, struct buf *body, bool *done,
                            enum problem *problem);
