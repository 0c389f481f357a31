#pragma once

#include "common/slice.h"
#include "ingest/ip.h"
#include "ingest/problem.h"
#include "ingest/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct route;
struct token;

/*
 * One request and its reply: all that handlers see.
 *
 * A handler answers with exactly one exchange_reply() or exchange_problem(),
 * at once or later, from the loop.  What the request is made of (head, body)
 * is borrowed and gone when the handler returns; the rest stays until the
 * reply.
 */
enum {
    EXCHANGE_ID_MAX = 64,  /* of X-Request-Id */
    EXCHANGE_IP_SIZE = 46, /* INET6_ADDRSTRLEN */
};

enum exchange_listener {
    EXCHANGE_PUBLIC,
    EXCHANGE_INTERNAL, /* the shop's own API */
    EXCHANGE_ADMIN,
    EXCHANGE_LISTENERS
};

/** What a handler says; borrowed during the call. */
struct exchange_reply {
    int status;
    const char *type;    /* of the body; NULL: there is none */
    const char *headers; /* further lines, each with CRLF, or NULL */
    struct slice body;
};

struct exchange {
    /* Gone when the handler returns. */
    const struct request_head *head;
    struct slice body;

    enum exchange_listener listener;
    const struct ip *peer; /* at the other end of the connection */
    void *app;             /* what the handlers serve */
    struct policy *policy; /* as it was when the head came; held */
    enum request_method method;
    bool http_1_0;
    const char *allow_methods;        /* a line with Allow, due with a 405 */
    const char *allow_origin;         /* the policy's text, "*", or NULL */
    bool cors;                        /* answers carry CORS headers or Vary */
    bool draining;                    /* the daemon is about to stop */
    struct ip client;                 /* behind trusted proxies */
    char client_ip[EXCHANGE_IP_SIZE]; /* the same as text, or "" */
    char request_id[EXCHANGE_ID_MAX + 1];
    const struct token *token; /* who sent it; held; NULL: a guest */
    bool wait;   /* not to be judged yet: keys are being asked for */
    bool waited; /* it has waited already */
    const struct problem_info *refused; /* what it is answered, or NULL */
    bool items_told;     /* refused events were told of one by one */
    int64_t received_ms; /* wall clock when the head was whole */
    int64_t received_us; /* the steady clock then */

    const struct route *route; /* the router's own */
    void (*send)(struct exchange *exchange, const struct exchange_reply *reply);
};

/** exchange_reply(): once. */
void exchange_reply(struct exchange *exchange,
                    const struct exchange_reply *reply);

/**
 * exchange_problem(): a refusal as RFC 9457 problem details.  @detail replaces
 * the problem's own where it is not NULL; @errors is the inside of the JSON
 * array "errors", and @headers further header lines; both may be empty.
 */
void exchange_problem(struct exchange *exchange, enum problem problem,
                      const char *detail, struct slice errors,
                      const char *headers);
