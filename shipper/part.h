#pragma once

#include <stddef.h>

struct batch;

/**
 * part_build(): @part becomes a batch of those entries [@from, @to) of @whole
 * that are not done, read again from the spool at @dirfd.  They fit, as the
 * whole does.
 *
 * Return: 0 or a negative errno.
 */
int part_build(struct batch *part, const struct batch *whole, size_t from,
               size_t to, int dirfd);
