#pragma once

#include "ingest/problem.h"

#include <stddef.h>

struct exchange;

/*
 * Listener, method and path to a handler, and what holds for all of them:
 * request id, client address, origin, preflight, draining.
 */

/**
 * router_admit(): judge a request by its head, before its body is read.  Sets
 * the exchange's request_id, client_ip, allow_origin, cors, allow_methods and
 * route.
 */
enum problem router_admit(struct exchange *exchange);

/** router_handle(): the whole request to its handler. */
void router_handle(struct exchange *exchange);

/* Of the table of routes, for who counts: the last index stands for requests
 * that found none. */
size_t router_count(void);
size_t router_index(const struct exchange *exchange);
const char *router_path(size_t index);
const char *router_method(size_t index);
