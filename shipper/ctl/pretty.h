#pragma once

#include "common/slice.h"

#include <stdint.h>

/*
 * JSON bytes for people's eyes, on stdout.  What is written is what stands
 * there: escapes stay as they are, no number is printed anew, and only bytes
 * that a terminal would take for more than text are escaped on top.
 */

/**
 * pretty_cell(): a value in a table, filled up to @width: a string without
 * its quotes; "-" where there is none (data is NULL), or null.
 */
void pretty_cell(struct slice value, int width);

/** pretty_json(): valid JSON over several lines, each behind @margin blanks
 * but the first. */
void pretty_json(struct slice value, int margin);

/** pretty_hex(): bytes as hexdump -C has them, the first one at @offset. */
void pretty_hex(const unsigned char *bytes, size_t len, uint64_t offset,
                int margin);
