#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl;

/*
 * What the running ingest tells of itself: GET /live on its admin address.
 * Members that are missing or of another kind are passed over.
 */
enum {
    DOOR_EVENTS_MAX = 64,
    DOOR_NAME_SIZE = 65,
    DOOR_VERSION_SIZE = 32,
    DOOR_WHY_SIZE = 256,
};

/** Quantiles of the last ten seconds that had any. */
struct door_time {
    bool known;
    uint64_t p50_us, p99_us;
};

struct door_event {
    char name[DOOR_NAME_SIZE]; /* escaped for a terminal */
    uint64_t accepted;         /* in the last hour */
};

struct door {
    bool known;
    char why[DOOR_WHY_SIZE]; /* where it is not */
    char version[DOOR_VERSION_SIZE];
    uint64_t uptime_s;
    double per_second; /* events accepted, over the last ten seconds */
    struct door_event events[DOOR_EVENTS_MAX]; /* in the catalog's order */
    size_t event_count;
    struct door_time requests, commits;
};

/** door_ask(): waits at most a second. */
void door_ask(struct door *door, const struct ctl *ctl);

/** door_take(): what an answer of /live says.  Return: whether it is one. */
bool door_take(struct door *door, const char *text, size_t len);
