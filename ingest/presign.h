#pragma once

#include "common/slice.h"

#include <stdint.h>

struct buf;
struct upload;
struct upload_key;

/*
 * A presigned PUT of S3 (SigV4 in the query; S3 User Guide, "Authenticating
 * requests using query parameters"): good for one key, type, length and, where
 * it is known, checksum, and for no key that exists already.  Pure.
 */

/**
 * presign_ends_ms(): until when a URL made at @now_ms is good: @life_ms, the
 * end of the day whose key signs it, or of the credentials, whichever is
 * first.
 */
int64_t presign_ends_ms(const struct upload_key *key, int64_t now_ms,
                        int64_t life_ms);

/**
 * presign_url(): append the URL, good for @seconds from @now_ms on.  A key of
 * the day has to be there: upload_key_for().
 *
 * Return: 0 or a negative errno.
 */
int presign_url(struct buf *out, const struct upload_key *key,
                const struct upload *upload, int64_t now_ms, int64_t seconds);
