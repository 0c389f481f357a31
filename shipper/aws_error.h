#pragma once

#include "common/slice.h"
#include "shipper/aws.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What an answer of a JSON service means: status, headers and body to an
 * outcome and an advice.  Pure.  The codes of the service decide; where an
 * answer has none (a page of a proxy, or nothing), its status does.
 */
enum { AWS_CODE_MAX = 128 };

/** All borrowed; headers that are absent are "". */
struct aws_evidence {
    int status;            /* 0: no answer */
    bool whole;            /* the answer came to its end */
    bool sent;             /* the last byte of the request went out */
    bool gzipped;          /* the request's body was */
    bool clock_moved;      /* aws_clock_explains() */
    const char *transport; /* what went wrong below HTTP, in words */
    const char *error_type;
    const char *request_id;
    const char *retry_after;
    const char *retry_after_ms;
    int64_t now_ms;     /* the service's clock, for Retry-After */
    bool blank;         /* there is no body at all */
    struct cJSON *body; /* the JSON that was read, or NULL; of its message
                           the first line stays */
};

/**
 * aws_error_judge(): fill @answer but for took_ms; @code is memory for its
 * code.
 */
void aws_error_judge(struct aws_answer *answer, char code[AWS_CODE_MAX],
                     const struct aws_evidence *evidence);
