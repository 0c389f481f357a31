#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct cloud;

/*
 * The issuer's key set: fetched at start, anew from time to time and when a
 * token named a key that it did not hold; the last good one is kept whatever
 * happens.  However many ask, one fetch is under way, and none within
 * JWKS_PENALTY_MS of the last: a stranger's tokens cannot drive it.
 */
enum {
    JWKS_PENALTY_MS = 10 * 1000,
    JWKS_FETCH_TIMEOUT_MS = 3 * 1000,
    JWKS_TEXT_MAX = 64 * 1024,
};

struct jwks_fetch;

/** In the caller's memory, which stays put until done() or forgotten. */
struct jwks_wait {
    void (*done)(struct jwks_wait *wait);
    struct jwks_wait *next; /* private to jwks_fetch.c */
    bool waiting;
};

/** jwks_fetch_new(): begins at once where an issuer is configured. */
int jwks_fetch_new(struct jwks_fetch **fetch, struct cloud *cloud);

/** jwks_fetch_close(): nobody waits any more; the loop has to run for a turn.
 */
void jwks_fetch_close(struct jwks_fetch *fetch);

/**
 * jwks_fetch_want(): have the newest set, fetching it where @refresh and the
 * penalty allow, or where there was never one.  done() runs once, from the
 * loop, never from inside this call.
 *
 * Return: whether there is anything to wait for; else done() will not run.
 */
bool jwks_fetch_want(struct jwks_fetch *fetch, struct jwks_wait *wait,
                     bool refresh);

/** jwks_fetch_forget(): done() will not run any more. */
void jwks_fetch_forget(struct jwks_fetch *fetch, struct jwks_wait *wait);

/** jwks_fetch_keys(): the inside of the JSON array, borrowed until the loop
 * runs; NULL data where there was never a set, with the reason in *@why. */
struct slice jwks_fetch_keys(const struct jwks_fetch *fetch, const char **why);

const char *jwks_fetch_issuer(const struct jwks_fetch *fetch);

/** jwks_fetch_time(): wall clock, ms, of the last good fetch. */
int64_t jwks_fetch_time(const struct jwks_fetch *fetch);
