#pragma once

#include "shipper/figures.h"
#include "shipper/heartbeat.h"
#include "shipper/lane.h"
#include "shipper/retry_files.h"
#include "shipper/route.h"
#include "shipper/ship.h"
#include "shipper/status.h"
#include "shipper/stream.h"
#include "shipper/tally.h"

/*
 * The pump's inside: ship.c moves entries, ship_report.c tells how that goes.
 */
enum { SUMMARY_SIZE = 200 };

struct ship {
    const struct settings *settings;
    int dirfd;
    struct stream_world world;
    struct route route;
    struct lane *spool, *retry; /* retry's streams give way to the spool's */
    struct retry_files files;
    struct tally *tally;
    struct figures figures;
    struct heartbeat heartbeat;
    struct status status;

    uv_timer_t poll, drain;
    unsigned ticks;
    bool thorough;      /* the next look at the spool is a whole one */
    bool blocked;       /* a letter of bad bytes could not be written */
    int read_errors[2]; /* told already: of the spool, of retry/ */
    bool hurry;         /* nothing lingers */
    bool draining;
    void (*drained)(void *owner);
    void *drained_owner;
    char summary[SUMMARY_SIZE];
};

/** ship_tell(): shipper.status.json, and the line for people. */
void ship_tell(struct ship *ship);
