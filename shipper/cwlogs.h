#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aws_answer;
struct buf;

/*
 * CloudWatch Logs: what its operations are asked with, and what their answers
 * mean for a batch.  Pure.  (API reference of CloudWatch Logs, 2014-03-28.)
 */
#define CWLOGS_SERVICE "logs"
#define CWLOGS_PUT "Logs_20140328.PutLogEvents"
#define CWLOGS_GET_EVENTS "Logs_20140328.GetLogEvents"
#define CWLOGS_CREATE_GROUP "Logs_20140328.CreateLogGroup"
#define CWLOGS_CREATE_STREAM "Logs_20140328.CreateLogStream"
#define CWLOGS_RETENTION "Logs_20140328.PutRetentionPolicy"

enum cwlogs_verdict {
    CWLOGS_TAKEN,   /* all but the rejected ones is delivered */
    CWLOGS_AGAIN,   /* the same again, after a while */
    CWLOGS_TOKEN,   /* again at once, with the token that came back */
    CWLOGS_MISSING, /* group or stream is not there: make it, then again */
    CWLOGS_PLAIN,   /* again at once, not compressed, from now on */
    CWLOGS_CLOCK,   /* again at once, signed with the corrected time */
    CWLOGS_POISON,  /* an event of it is refused for its content */
    CWLOGS_HOLD,    /* refused for what it is: no retry helps by itself */
};

/** Which events of a batch were not taken: [0, head) and [tail, count). */
struct cwlogs_rejected {
    size_t too_old; /* ends of the head, whichever is later counts */
    size_t expired;
    size_t head;
    size_t tail; /* too new from here on */
};

/**
 * cwlogs_judge(): the answer to a PutLogEvents of @count events.  *@rejected
 * is set with CWLOGS_TAKEN.
 */
enum cwlogs_verdict cwlogs_judge(const struct aws_answer *answer, size_t count,
                                 struct cwlogs_rejected *rejected);

/** cwlogs_why(): the reason for which event @index was rejected. */
const char *cwlogs_why(const struct cwlogs_rejected *rejected, size_t index);

/**
 * cwlogs_token(): the sequence token that an answer wants next; borrowed from
 * it.  NULL: none.
 */
const char *cwlogs_token(const struct aws_answer *answer);

/** cwlogs_made(): whether an answer to Create... leaves the thing there. */
bool cwlogs_made(const struct aws_answer *answer);

/** cwlogs_names(): {"logGroupName":…,"logStreamName":…}; @stream may be NULL.
 */
int cwlogs_names(struct buf *out, const char *group, const char *stream);

/** cwlogs_get_events(): from @start up to, and without, @end (ms), the oldest
 * first; @token is that of the page, or NULL for the first. */
int cwlogs_get_events(struct buf *out, const char *group, const char *stream,
                      int64_t start, int64_t end, const char *token);

int cwlogs_retention(struct buf *out, const char *group, int64_t days);

/** cwlogs_retention_ok(): whether the service knows this number of days. */
bool cwlogs_retention_ok(int64_t days);
