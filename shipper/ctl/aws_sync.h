#pragma once

#include "shipper/aws.h"
#include "shipper/object.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct cJSON;
struct ctl;

/*
 * Calls to CloudWatch Logs, one at a time, with the caller's own credentials:
 * each runs the loop until it is answered.  Throttling, 5xx and a network that
 * fails are tried again, a bounded number of times and with backoff; what
 * cannot be had is told on stderr with the service's code.
 */
struct aws_sync;

enum { AWS_SYNC_MISSING = 100 }; /* none of the exit codes */

/** aws_sync_open(): after ctl_configure(); @ctl is borrowed.
 * Return: 0 or an exit code, told. */
int aws_sync_open(struct aws_sync **sync, struct ctl *ctl);
void aws_sync_close(struct aws_sync *sync);

/**
 * aws_sync_ask(): @operation, such as "FilterLogEvents", with the JSON of
 * @body.  *@answer is borrowed until the next call; an answer without a body is
 * an empty object.
 *
 * Return: 0, AWS_SYNC_MISSING where the service has no such group, stream or
 * query (nothing is told of that), or an exit code, told.
 */
int aws_sync_ask(struct aws_sync *sync, const char *operation,
                 const struct buf *body, const struct cJSON **answer);

/** A call of any JSON service. */
struct aws_sync_call {
    const char *service; /* "logs" */
    const char *target;  /* X-Amz-Target */
    const struct buf *body;
    bool secret; /* the answer is: it is wiped at the next call */
};

/** What became of it; borrowed until the next call. */
struct aws_sync_answer {
    enum aws_outcome outcome;
    const char *code, *message; /* as aws.h has them; "" where AWS_OK */
    const struct cJSON *body;   /* where AWS_OK: an object */
};

/**
 * aws_sync_try(): the same without a word on stderr, for who judges for
 * himself.  Return: 0 or -ENOMEM.
 */
int aws_sync_try(struct aws_sync *sync, const struct aws_sync_call *call,
                 struct aws_sync_answer *answer);

/** aws_sync_head(): whether an object of S3 is there; *@why where that is not
 * known, borrowed until the next call. */
enum object_fate aws_sync_head(struct aws_sync *sync, const char *bucket,
                               const char *key, const char **why);

/**
 * aws_sync_catch(): from now on SIGINT and SIGTERM do not end the program at
 * once, but the waits; the second one does end it.
 */
void aws_sync_catch(struct aws_sync *sync);

/** aws_sync_wait(): Return: whether @ms passed without an interruption. */
bool aws_sync_wait(struct aws_sync *sync, int64_t ms);

/** aws_sync_interrupted(): the signal that was caught, or 0. */
int aws_sync_interrupted(const struct aws_sync *sync);
