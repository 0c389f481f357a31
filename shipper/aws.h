#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct cJSON;
struct creds;
struct http;
struct settings;

/*
 * One signed call to an AWS JSON service: endpoint, credentials, signature,
 * HTTPS, and what the answer means (AWS JSON 1.1; errors by `x-amzn-ErrorType`,
 * `__type` or `code`).  Nothing is tried twice here: whoever calls decides.
 *
 * The clock is corrected from the Date of every answer, and each call is
 * signed with the corrected time.
 */
struct aws;

/** What became of a call; the order is from good to bad. */
enum aws_outcome {
    AWS_OK,      /* 200, with x-amzn-RequestId and a body that can be read */
    AWS_REFUSED, /* the service, or something before it, said no */
    AWS_UNSENT,  /* it did not go out whole: nobody can have acted on it */
    AWS_UNKNOWN, /* it went out, and no answer that tells: a time-out, a
                    reset, 500, 502, 504, or a 200 that cannot be read */
};

/** What to do about a call that was not AWS_OK. */
enum aws_advice {
    AWS_RETRY,       /* 5xx, 408, network: again, after a while */
    AWS_SLOW_DOWN,   /* throttled: again, after a longer while */
    AWS_CREDENTIALS, /* none, wrong or expired: they are read anew meanwhile */
    AWS_CLOCK,       /* signed with a wrong time, which is corrected now */
    AWS_ENCODING,    /* the service could not read the body: send it plain */
    AWS_JUDGE,       /* an error of the operation: `code` tells which */
};

/** Borrowed during aws_call.done(). */
struct aws_answer {
    enum aws_outcome outcome;
    enum aws_advice advice;
    int status;             /* HTTP's, or 0 */
    const char *code;       /* the service's, cleaned, or one of ours: NotSent,
                               NoAnswer, UnreadableAnswer, NoCredentials,
                               NoEndpoint, HTTPnnn; "" where AWS_OK */
    const char *message;    /* for people; "" where AWS_OK */
    const char *request_id; /* x-amzn-RequestId, or "" */
    const struct cJSON *body; /* the JSON object, or NULL */
    int64_t hint_ms;          /* x-amz-retry-after; -1: none */
    int64_t retry_after_ms;   /* Retry-After; -1: none */
    int64_t took_ms;
};

/** In the caller's memory, which stays put until done() has run. */
struct aws_call {
    const char *service; /* "logs": signing name and host name */
    const char *target;  /* X-Amz-Target */
    struct slice body;   /* the caller's, until done() */
    bool gzipped;        /* the body is, and is said to be */
    bool limited;        /* waits while [shipper] max_inflight of its kind are
                            under way, first come, first served */
    bool secret;         /* so is the answer: its bytes are wiped */
    void (*done)(struct aws_call *call, const struct aws_answer *answer);
    void *owner;

    struct aws *aws; /* the rest is private to aws.c */
    void *request;
};

/**
 * aws_new(): on @loop.  @http, @creds and @settings ([aws], [shipper]
 * request_timeout) are borrowed for the whole life.  Credentials that cannot
 * be found are no fault here: calls end as AWS_UNSENT, AWS_CREDENTIALS until
 * there are some.
 */
int aws_new(struct aws **aws, uv_loop_t *loop, struct http *http,
            struct creds *creds, const struct settings *settings);

/** aws_close(): no call may be under way; @loop has to run for a turn. */
void aws_close(struct aws *aws);

/**
 * aws_call_start(): done() runs once, from the loop, never from inside.
 *
 * Return: 0 or -ENOMEM; unless 0, done() will not run.
 */
int aws_call_start(struct aws *aws, struct aws_call *call);

/** aws_call_cancel(): of one under way: done() will not run any more. */
void aws_call_cancel(struct aws_call *call);

/**
 * aws_clock_offset_ms(): how far the service's clock is ahead of ours, by the
 * last answer; @age_ms is how old that is (-1: there was none yet).
 */
int64_t aws_clock_offset_ms(const struct aws *aws, int64_t *age_ms);

/** aws_check(): settings_complain()s of an endpoint that is no URL. */
void aws_check(struct settings *settings);
