#pragma once

#include "common/slice.h"
#include "ingest/counters.h"
#include "ingest/distinct.h"

#include <stdint.h>

struct buf;
struct histogram;

/*
 * What has happened lately, for the ops page: events of each of the last two
 * minutes' seconds, events by name and their sessions over the last hour, and
 * how long commits and requests took.  All of it in tables of fixed size; what
 * a stranger sends can fill a place in them and make none.
 *
 * Sessions are estimated (distinct.h), and for the first ACTIVITY_STEPS names
 * that a catalog had; those of the built-in catalog are the funnel.
 */
enum {
    ACTIVITY_SECONDS = 120,
    ACTIVITY_MINUTES = 60,
    ACTIVITY_STEPS = 8,
};

struct activity;

/** One accepted event, between its judgement and its sync. */
struct activity_mark {
    struct distinct_mark session;
    uint8_t event; /* the catalog's index */
};

struct activity *activity_new(int64_t now_us);
void activity_free(struct activity *activity);

/** activity_mark(): @session may have NULL data. */
struct activity_mark activity_mark(const struct activity *activity,
                                   unsigned event, struct slice session);

/** activity_accepted(): the event is durable; @slot is the counters'. */
void activity_accepted(struct activity *activity, unsigned slot,
                       struct activity_mark mark);

/** Totals since the start, and histograms that only grow. */
struct activity_totals {
    uint64_t accepted, refused, duplicates;
    const struct histogram *commit_us;
    const struct histogram *request_us;
};

/** activity_look(): about once a second, by the steady clock. */
void activity_look(struct activity *activity,
                   const struct activity_totals *totals, int64_t now_us);

/** activity_write(): the members of /live that are told here; @counters know
 * the names of events. */
void activity_write(struct buf *out, const struct activity *activity,
                    const struct counters *counters);
