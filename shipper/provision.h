#pragma once

#include "common/buf.h"
#include "shipper/aws.h"

/*
 * Makes a log group and a log stream that are missing: the stream; where that
 * says that the group is missing, the group, its retention, and the stream.
 * What is there already is as good as made.  One call at a time: these
 * operations have low quotas.
 */
struct provision {
    struct aws *aws;
    const char *group, *stream; /* borrowed */
    int64_t retention_days;     /* 0: left as it is */
    void (*done)(struct provision *provision, const struct aws_answer *answer);

    struct aws_call call; /* the rest is private to provision.c */
    struct buf body;
    enum provision_step {
        PROVISION_IDLE,
        PROVISION_STREAM, /* may tell that the group is missing */
        PROVISION_GROUP,
        PROVISION_RETENTION,
        PROVISION_STREAM_AGAIN, /* in the group that is there now */
        PROVISION_ALONE,        /* the retention of a group that was there */
    } step;
};

/** provision_init(): @provision's public members are set. */
void provision_init(struct provision *provision);
void provision_deinit(struct provision *provision);

/**
 * provision_start(): done() runs once, from the loop, with the answer that
 * ended it: cwlogs_made() tells whether group and stream are there.
 *
 * Return: 0 or -ENOMEM.
 */
int provision_start(struct provision *provision);

/** provision_retain(): set the retention of a group that is there; nobody
 * waits for it, and a failure is logged. */
void provision_retain(struct provision *provision);

/** provision_busy(): a call is under way. */
static inline bool
provision_busy(const struct provision *provision)
{
    return provision->step != PROVISION_IDLE;
}

/** provision_cancel(): done() will not run any more. */
void provision_cancel(struct provision *provision);
