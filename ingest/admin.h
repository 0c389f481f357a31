#pragma once

#include <stdbool.h>
#include <stdint.h>

struct app;
struct commit;
struct exchange;
struct keeper;
struct server;
struct settings;
struct synced;

/*
 * For operators, on the admin address: /readyz (can the spool take an entry,
 * and what else is amiss), /metrics (both daemons'), /status (for people).
 */
enum {
    ADMIN_FAILED_MS = 10 * 1000, /* a failed commit is news so long */
    ADMIN_AWAY_S = 30,           /* shipper tells each second */
    ADMIN_STUCK_S = 5 * 60,      /* unshipped, and no success */
    ADMIN_CERTIFICATE_DAYS = 14, /* from here on it is a warning */
};

/** All borrowed for the daemon's life. */
struct admin {
    struct app *app;
    struct server *server;
    struct commit *commit;
    struct keeper *keeper;
    struct settings *settings; /* the present ones, over reloads */
    int dirfd;                 /* of the spool */
    const struct synced *synced;
    int64_t started_us;
    bool reloaded; /* the last reload was good, or there was none */
};

void admin_ready(struct exchange *exchange);
void admin_metrics(struct exchange *exchange);
void admin_status(struct exchange *exchange);
