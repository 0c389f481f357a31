#pragma once

#include "common/slice.h"

#include <stdint.h>

struct buf;

/*
 * An uploadId: what presign promised, sealed with a key of ingest's own
 * (AES-256-GCM, SP 800-38D), so that complete needs no other state: not over a
 * restart, midnight, or a change of credentials.
 *
 *     base64url(version, nonce (12), sealed bytes, tag (16))
 */
enum {
    UPLOAD_SEAL_KEY_SIZE = 32,
    UPLOAD_SEAL_MAX = 4096, /* characters of an uploadId */
    UPLOAD_SUB_MAX = 128,
    UPLOAD_KEY_MAX = 1024,
    UPLOAD_TYPE_MAX = 128,
    UPLOAD_SHA256_LEN = 44, /* base64 of 32 bytes */
};

/** What was promised; texts are NUL-terminated. */
struct upload {
    uint8_t id[16];
    int64_t expires_ms; /* from then on complete is too late */
    uint64_t size;
    char sub[UPLOAD_SUB_MAX + 1];
    char key[UPLOAD_KEY_MAX + 1];
    char type[UPLOAD_TYPE_MAX + 1];
    char sha256[UPLOAD_SHA256_LEN + 1]; /* or "" */
};

struct upload_seal;

/**
 * upload_seal_new(): with the key in @dirfd, made (0600) where there is none.
 *
 * Return: 0; -EINVAL where the file is no key of ours; or another errno.
 */
int upload_seal_new(struct upload_seal **seal, int dirfd);
void upload_seal_free(struct upload_seal *seal);

/** upload_seal_close(): append an uploadId. Return: 0 or a negative errno. */
int upload_seal_close(const struct upload_seal *seal,
                      const struct upload *upload, struct buf *out);

/** upload_seal_open(): Return: 0 with *@upload, or -EINVAL: it is none of
 * ours. */
int upload_seal_open(const struct upload_seal *seal, struct slice id,
                     struct upload *upload);
