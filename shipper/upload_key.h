#pragma once

#include <stdint.h>

struct buf;
struct creds_keys;
struct object_place;

/*
 * What ingest needs to sign uploads by itself (docs/broker.md, upload_key):
 * keys derived for S3, one region and one day each, of today and tomorrow.
 * Pure.
 */
struct upload_key {
    const char *bucket, *region;
    const struct object_place *place;
    const struct creds_keys *keys;
    int64_t now_ms;          /* by AWS's clock */
    int64_t clock_offset_ms; /* how far that is ahead of ours */
};

/**
 * upload_key_write(): append the answer's members.  They hold keys: the
 * buffer is to be wiped.
 *
 * Return: 0, or -ENOMEM.
 */
int upload_key_write(struct buf *out, const struct upload_key *key);
