#pragma once

#include "shipper/accepted.h"

#include <stdbool.h>
#include <stdint.h>

struct checkpoint_counts;
struct lane;
struct stream;
struct tally;

/*
 * The heartbeat: an entry of logCategory `clickspool`, action `heartbeat`,
 * with the counts of promise 2, every [shipper] heartbeat.  So loss, or
 * silence, shows in CloudWatch itself:
 *
 *     accepted = delivered + pending + dead + dropped
 *
 * `accepted` and `pending` are counted from the spool, the others from what
 * was answered.  One that could not be delivered is made anew, with the
 * figures of then.
 */
struct heartbeat {
    int dirfd;        /* the spool's folder */
    int64_t every_ms; /* 0: none */
    int64_t due_ms;   /* steady clock */
    bool under_way;   /* the last one has not been answered */
    struct accepted_mark end, read;
};

void heartbeat_init(struct heartbeat *heartbeat, int dirfd, int64_t every_ms);

/** What a heartbeat tells. */
struct heartbeat_facts {
    struct spool_position end;   /* of what was acknowledged */
    struct spool_position read;  /* all before it was handed to streams */
    struct spool_position retry; /* the same of retry/ */
    uint64_t unsettled;          /* entries that streams have, or pass over */
    const struct checkpoint_counts *counts;
    uint64_t lag_bytes;
    int64_t now_ms; /* corrected by CloudWatch's own clock */
};

/** heartbeat_is_due(): whether one is to be made; heartbeat_follow() keeps the
 * counting near, once a second. */
bool heartbeat_is_due(const struct heartbeat *heartbeat);
void heartbeat_follow(struct heartbeat *heartbeat,
                      const struct heartbeat_facts *facts);

/** heartbeat_say(): one, to @stream.  Nothing happens where the counting is
 * not done yet, or the stream is busy: it stays due. */
void heartbeat_say(struct heartbeat *heartbeat, struct stream *stream,
                   const struct heartbeat_facts *facts);

/** heartbeat_said(): it is @taken, or is due again after some seconds. */
void heartbeat_said(struct heartbeat *heartbeat, bool taken);
