#pragma once

#include "common/slice.h"

#include <stdint.h>

struct buf;
struct event_error;
struct exchange;

/*
 * The last refusals, for GET /refused and the ops page, and how many there
 * were of each code over the last hour.  No value of a client's is kept: the
 * event's name, the page's path without its query, the pointer, which is made
 * of names, and the request's id are all there is of it, each cut to a bound.
 *
 * Refusals of single events and of whole requests are told alike; what nobody
 * can mean as an event (no such path, no HTTP) is left out.  429 and 503 say
 * nothing of what was sent: a row of them is one refusal with a count, so that
 * a flood does not wash the others away.
 */
enum {
    REFUSALS_MAX = 200,
    REFUSALS_MINUTES = 60,
    REFUSALS_CODES = 64,
    REFUSALS_NAME_MAX = 64,  /* bytes */
    REFUSALS_PAGE_MAX = 160, /* bytes */
};

struct refusals;

struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals);

/** refusals_event(): one event, whose bytes are @json, was refused. */
void refusals_event(struct refusals *refusals, const struct exchange *exchange,
                    const struct event_error *error, struct slice json);

/** refusals_answer(): an answer is on its way; kept where it refuses a whole
 * request. */
void refusals_answer(struct refusals *refusals,
                     const struct exchange *exchange);

/** refusals_count(): how many there were. */
uint64_t refusals_count(const struct refusals *refusals);

/** refusals_write(): {"total":…,"refused":[…]}, the newest first. */
void refusals_write(struct buf *out, const struct refusals *refusals);

/** refusals_write_codes(): the last hour's, [{"code":…,"count":…},…]. */
void refusals_write_codes(struct buf *out, const struct refusals *refusals,
                          int64_t now_us);
