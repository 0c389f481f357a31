#pragma once

#include "common/line.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which entries of a batch a log stream shows, as a multiset of (timestamp,
 * eventId): one that is sought twice has to be seen twice.  A line without an
 * eventId goes by its checksum.  Pure.
 */
struct witness;

/** witness_new(): room for @count entries.  NULL: no memory. */
struct witness *witness_new(size_t count);
void witness_free(struct witness *witness);

/** witness_seek(): the next @line that is sought, without its newline.  No more
 * than there is room for, and before the first look. */
void witness_seek(struct witness *witness, int64_t ts, struct slice line);

/** witness_look(): a look begins: nothing is seen yet. */
void witness_look(struct witness *witness);

/** witness_see(): the stream shows this message. */
void witness_see(struct witness *witness, int64_t ts, struct slice message);

/** witness_saw(): whether entry @index, as they were sought, was seen. */
bool witness_saw(const struct witness *witness, size_t index);

/** witness_count(): how many were seen. */
size_t witness_count(const struct witness *witness);
