#pragma once

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct exchange;

/*
 * The tail of an entry: what the server says of the request that brought it
 * (contract, section 5), the same for each event of the request.
 */
enum { TAIL_AGENT_MAX = 512 }; /* bytes of User-Agent that are kept */

struct tail {
    struct slice full;
    struct slice anonymous; /* without address and agent */
};

/**
 * tail_write(): both forms into @out, which is cleared first and keeps them.
 * No leading comma, no closing brace.
 */
struct tail tail_write(struct buf *out, const struct exchange *exchange,
                       int64_t now_us);
