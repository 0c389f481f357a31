#pragma once

#include <stdint.h>

struct settings;

/*
 * Where keys come from: the environment, else a profile of the shared config
 * and credentials files, which are read anew when they change and after
 * creds_distrust().  The first source that is configured decides: where it is
 * broken, none after it is asked.  What is wrong is logged once, and that it
 * is mended; keys never are.
 *
 * The environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
 * AWS_SESSION_TOKEN; AWS_PROFILE, AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE for the files.  What is empty counts as unset.
 */
struct creds;

/** One snapshot, as key, secret and token belong together. */
struct creds_keys {
    char *access_key;
    char *secret;
    char *token; /* NULL: none is needed */
    int64_t expires_ms; /* wall clock; 0: never */
};

/** creds_new(): @settings ([aws] profile) is borrowed for the whole life. */
int creds_new(struct creds **creds, const struct settings *settings);
void creds_free(struct creds *creds);

/**
 * creds_get(): the keys to sign with, borrowed until the next call; NULL
 * where there are none, with the reason in *@why.
 */
const struct creds_keys *creds_get(struct creds *creds, const char **why);

/** creds_distrust(): a service refused the keys; read the files anew. */
void creds_distrust(struct creds *creds);
