#pragma once

#include "common/slice.h"
#include "ingest/problem.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The lines of a head and the values that decide how it is read, judged byte
 * by byte as RFC 9112 and RFC 3986 write them; pure.
 */

/** request_line_judge(): a whole line, its newline included. */
enum problem request_line_judge(struct slice line, bool first);

/** request_line_begins(): a line, or what has come of it, without newline. */
enum problem request_line_begins(struct slice line, bool first);

/** request_host_ok(): RFC 9110, section 7.2: a host and maybe a port. */
bool request_host_ok(struct slice host);

/** request_length(): one to 19 digits and nothing else. */
bool request_length(struct slice text, uint64_t *length);
