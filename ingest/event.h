#pragma once

#include "common/slice.h"
#include "ingest/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct catalog;

/*
 * One event: a JSON object's bytes to a verdict and, where it is taken, to its
 * line in the spool.  The line holds the sender's own bytes for each accepted
 * value, in the order sent (but the API's address and agent, which come last),
 * without white space outside strings; never a reprint of a parse.  Pure.
 */

/** What the server adds, the same for all events of one request. */
struct event_server {
    struct slice fields;    /* no leading comma, no brace */
    struct slice anonymous; /* for a clientId that begins with `anon-` */
    int64_t received_ms;
    const char *request_id; /* for entries of the shop's API */
};

struct event_rules {
    const struct catalog *catalog;
    bool keep_unknown; /* fields that the catalog does not name */
    bool api; /* entries of the shop's own API: with its own identity, request
                 fields, logCategory, action and outcome */
    enum policy_source_ip source_ip; /* of what the API says of a person; */
    bool drop_agent;                 /* the server's own fields come judged */
};

/** Where an event stands. */
struct event_text {
    struct slice json; /* begins with it; cut to it where it can be read */
    bool followed;     /* what stands behind it is none of its own business */
};

struct event_made {
    uint8_t id[16];
    size_t at, len; /* of its line in the buffer */
    unsigned event; /* of the catalog, by index; CATALOG_EVENTS_MAX: none */
    struct slice session; /* in the sender's bytes; NULL data: there is none */
};

enum {
    EVENT_POINTER_SIZE = 160,
    EVENT_DETAIL_SIZE = 160,
    EVENT_UNKNOWN_NAME_MAX = 64, /* of a field that is kept unknown */
    EVENT_UNKNOWN_BYTES_MAX = 4096,
    EVENT_SKEW_MS = 24 * 60 * 60 * 1000,
};

/** Why an event was refused; names of fields, never their values. */
struct event_error {
    const char *code;
    char pointer[EVENT_POINTER_SIZE]; /* RFC 6901, from the event on */
    char detail[EVENT_DETAIL_SIZE];
};

enum { EVENT_REFUSED = 1 };

/**
 * event_make(): judge @text and append its line, in LINE_PREFIX's shape, for
 * line_seal() to finish.  @fresh is the id for an event that has none.
 *
 * Return: 0 with *@made; EVENT_REFUSED with *@error; or a negative errno of
 * @out.  Unless 0, @out is as it was.
 */
int event_make(const struct event_rules *rules, struct event_text *text,
               const struct event_server *server, const uint8_t fresh[16],
               struct buf *out, struct event_made *made,
               struct event_error *error);
