#pragma once

#include "common/buf.h"
#include "ingest/activity.h"
#include "ingest/commit.h"
#include "ingest/counters.h"
#include "ingest/problem.h"
#include "ingest/room.h"

#include <stdint.h>

struct admin;
struct auth;
struct rate;
struct refusals;
struct seen;
struct uploads;

enum {
    APP_EVENTS_MAX = 500, /* in one request */
    APP_INFLATE_TIMES = 8,
};

/*
 * What the handlers of one loop serve: where entries go, which ids are known,
 * and memory that one request at a time may use.
 */
struct app {
    struct commit_port port;
    struct seen *seen;
    int64_t window_s, window_us; /* app_window_begin()'s times */
    struct room room;
    struct admin *admin;
    struct auth *auth;
    struct uploads *uploads;
    struct rate *rate; /* of requests, by address */
    uint64_t accepted; /* entries that are durable */
    struct counters counters;
    struct activity *activity;
    struct refusals *refusals;
    int64_t failed_us;       /* the last commit that failed; 0: none did */
    unsigned failed_commits; /* counted, modulo its size */
    size_t max_body;         /* of a request as sent; inflated 8 times that */

    uint8_t taken[APP_EVENTS_MAX][16]; /* ids of the request at hand: new */
    uint8_t known[APP_EVENTS_MAX][16]; /* and known already */
    struct activity_mark marks[APP_EVENTS_MAX]; /* of the new ones */
    struct buf inflated;
    struct buf lines;  /* of the request at hand */
    struct buf server; /* what the server adds to each of them */
    struct buf ids;    /* eventIds for the answer */
    struct buf errors; /* refused events, for the answer */
    struct buf answer;
};

void app_init(struct app *app, size_t max_body);
void app_deinit(struct app *app);

/** app_admit(): whether an entry may be taken at all. */
static inline enum problem
app_admit(const struct app *app)
{
    if (app->room.draining)
        return PROBLEM_DRAINING;
    return app->room.full ? PROBLEM_SPOOL_FULL : PROBLEM_NONE;
}

/**
 * app_window_begin(): the clock of the window of known ids shows @now_s from
 * now on, and never steps: a wall clock that is set a day ahead would make
 * every id too old, and a browser's retry another entry.
 */
void app_window_begin(struct app *app, int64_t now_s);

/** app_window_s(): what it shows. */
int64_t app_window_s(const struct app *app);

/** app_trim(): give back what an unusually large request has needed. */
void app_trim(struct app *app);
