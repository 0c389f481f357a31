#pragma once

#include "ingest/problem.h"

struct exchange;

/*
 * POST /events, and POST /logs of the shop's own API: decode the body, judge
 * each event on its own, append those that are new, and answer when they are
 * durable.
 */
/** events_admit(): what the head tells: type, encoding, length. */
enum problem events_admit(const struct exchange *exchange);

void events_handle(struct exchange *exchange);
