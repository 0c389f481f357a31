#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct jwks;
struct settings;
struct upload_key;

/*
 * What the broker gave last: the issuer's key set and the key that signs
 * uploads.  Both are asked for anew every few minutes, well ahead of their
 * end, and kept whatever happens; the key set, which is public, is also kept
 * in state_dir, so that a restart without shipper still verifies tokens.
 */
enum {
    KEEPER_PENALTY_MS = 10 * 1000, /* between asks for an unknown key */
    KEEPER_RENEW_MS = 5 * 60 * 1000,
    KEEPER_RETRY_MS = 2 * 1000,
};

struct keeper;

struct keeper_options {
    uv_loop_t *loop;
    const struct settings *settings; /* borrowed */
    int state_dirfd;                 /* -1: keys cannot be kept */
    /* An ask for keys has ended, with or without new ones; from the loop. */
    void (*keys_asked)(void *owner);
    void *owner;
};

int keeper_new(struct keeper **keeper, const struct keeper_options *options);

/** keeper_close(): keys_asked() runs no more; the loop has to run. */
void keeper_close(struct keeper *keeper);

/** keeper_jwks(): the last good set, borrowed until the loop runs, or NULL. */
struct jwks *keeper_jwks(const struct keeper *keeper);

/** keeper_jwks_time(): wall clock, ms, of when shipper fetched it, or 0. */
int64_t keeper_jwks_time(const struct keeper *keeper);

/**
 * keeper_want_keys(): the set does not have a key that a token names.
 *
 * Return: whether keys are being asked for, so that waiting makes sense; false
 * within the penalty time and without a broker.
 */
bool keeper_want_keys(struct keeper *keeper);

/** keeper_is_up(): is there a broker? */
bool keeper_is_up(const struct keeper *keeper);

/** keeper_upload_key(): the last one, borrowed until the loop runs, or NULL,
 * with the reason in *@why. */
const struct upload_key *keeper_upload_key(const struct keeper *keeper,
                                           const char **why);

/** keeper_now_ms(): the wall clock, corrected as the broker says. */
int64_t keeper_now_ms(const struct keeper *keeper);
