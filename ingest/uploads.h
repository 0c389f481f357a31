#pragma once

#include "ingest/problem.h"

#include <uv.h>

struct app;
struct broker_client;
struct exchange;
struct keeper;
struct settings;
struct upload_seal;

/*
 * POST /uploads/presign and /uploads/complete: a URL to which one image may be
 * put, and the word that it was.  Both answer after their own entry's sync; a
 * refusal writes one too, as few of them as refused tokens (auth.h).
 */
enum {
    UPLOADS_BODY_MAX = 16 * 1024,
    UPLOADS_ID_LIVES = 2, /* an uploadId lives so many times as its URL */
};

struct uploads_options {
    struct app *app;
    struct keeper *keeper;
    uv_loop_t *loop;
    const struct settings *settings;
    int state_dirfd; /* -1: nothing can be sealed, uploads are answered 503 */
};

struct uploads {
    struct uploads_options options;
    struct upload_seal *seal;    /* NULL: there is no state_dir */
    struct broker_client *heads; /* a connection of its own, as HEADs take time
                                    and keys should not wait for them */
};

/** uploads_of(): those that the exchange's handlers serve. */
struct uploads *uploads_of(const struct exchange *exchange);

/** uploads_admit_user(): whether whoever sent the token may upload at all. */
enum problem uploads_admit_user(const struct exchange *exchange);

/** uploads_new(): Return: 0; -EINVAL where the seal's key is none, which has
 * been logged; or another errno. */
int uploads_new(struct uploads **uploads,
                const struct uploads_options *options);

/** uploads_close(): what waits for shipper is answered from inside; the loop
 * has to run, and uploads_free() is due after it. */
void uploads_close(struct uploads *uploads);
void uploads_free(struct uploads *uploads);

enum problem uploads_admit(const struct exchange *exchange);
void uploads_presign(struct exchange *exchange);
void uploads_complete(struct exchange *exchange);

/** uploads_check(): settings_complain()s. */
void uploads_check(struct settings *settings);
