#pragma once

#include "common/slice.h"

#include <stdint.h>

struct buf;

/*
 * Entries that shipper makes itself, of logCategory `clickspool`: they stand
 * nowhere in the spool and are in no count.  Members are appended between the
 * two calls, each with a comma before it.
 */

/** own_entry_begin(): into @out, which is cleared first. */
void own_entry_begin(struct buf *out, const char *action);

/** own_entry_end(): the entry as a line of the spool, without its newline, in
 * @out's memory; empty where there was none to be had. */
struct slice own_entry_end(struct buf *out, int64_t ts);
