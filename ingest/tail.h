#pragma once

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct exchange;

/*
 * The tail of an entry: what the server says of the request that brought it
 * and of who sent that, the same for each event of the request.
 */
enum { TAIL_AGENT_MAX = 512 }; /* bytes of User-Agent that are kept */

struct tail {
    struct slice full;
    struct slice anonymous; /* without address and agent */
};

struct tail_facts {
    const char *category; /* logCategory */
    int status;           /* of the answer that the entry gets */
    int64_t now_us;       /* the steady clock */
};

/**
 * tail_write(): both forms into @out, which is cleared first and keeps them.
 * No leading comma, no closing brace.
 */
struct tail tail_write(struct buf *out, const struct exchange *exchange,
                       const struct tail_facts *facts);
