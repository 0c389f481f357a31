#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * Percent-encoding and paths as AWS's signatures want them (RFC 3986,
 * sections 2.3 and 5.2.4).
 */

/**
 * uri_encode(): letters, digits and `-._~` stay, all other bytes become %XX
 * in capitals; a slash stays only where @keep_slash.
 */
void uri_encode(struct buf *out, const char *text, size_t len, bool keep_slash);

/**
 * uri_normalize(): append @path without `.` and empty segments, and without
 * what `..` takes back; a slash at the end stays.
 */
void uri_normalize(struct buf *out, const char *path);
