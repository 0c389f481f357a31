#pragma once

#include <stdint.h>

struct ahead;

enum { RETRYING_MOVED = 1 }; /* a file is gone: shipper was faster than we */

/**
 * retrying_count(): the entries that were dead letters, stand in retry/ and are
 * not done with.
 *
 * Return: 0, RETRYING_MOVED with what could be counted, or a negative errno.
 */
int retrying_count(int dirfd, struct ahead *ahead, uint64_t *entries);
