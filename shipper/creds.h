#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct http;
struct settings;

/*
 * Where keys come from: the environment, else what systemd handed over or a
 * profile of the shared config and credentials files; there keys, a
 * credential_process, a web identity, or a role on top of another profile; and
 * on top of all [aws] role_arn.  The first source that is configured decides:
 * where it is broken, none after it is asked, and no metadata service ever is.
 *
 * What is wrong is logged once, and that it is mended; keys never are.  Files
 * are read anew when they change and after creds_distrust().  Keys that end
 * are fetched anew ahead of that, one try at a time and with backoff, while
 * the old ones are used until they really end.  Whoever asks is the clock:
 * creds_get() is called at least once a second.
 *
 * The environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 * and AWS_CREDENTIAL_EXPIRATION; AWS_PROFILE, AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE for the files.  What is empty counts as unset.
 */
enum creds_for {
    CREDS_AWS,
    CREDS_UPLOADS, /* [uploads] profile and role_arn, else as CREDS_AWS */
};

struct creds;

/** One snapshot, as key, secret and token belong together. */
struct creds_keys {
    char *access_key;
    char *secret;
    char *token;        /* NULL: none is needed */
    int64_t expires_ms; /* wall clock; 0: never */
};

/**
 * creds_new(): @loop, @http and @settings are borrowed for the whole life;
 * without a loop only keys that are there already are found.
 */
int creds_new(struct creds **creds, uv_loop_t *loop, struct http *http,
              const struct settings *settings, enum creds_for who);

/** creds_free(): a fetch under way is given up; the loop has to run. */
void creds_free(struct creds *creds);

/**
 * creds_get(): the keys to sign with, borrowed until the next call; NULL
 * where there are none (yet), with the reason in *@why.  Never waits.
 */
const struct creds_keys *creds_get(struct creds *creds, const char **why);

/** creds_fetching(): whether they are being fetched right now. */
bool creds_fetching(const struct creds *creds);

/** creds_distrust(): a service refused the keys; find them anew. */
void creds_distrust(struct creds *creds);
