#pragma once

#include "common/checkpoint.h"
#include "common/spool.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct stream_report;

/*
 * shipper.status.json: how shipper is doing, for clickspoolctl and others who
 * look.  Replaced whole each second, and not synced: it need not survive.
 */
struct status {
    int64_t since_us;       /* of the rates' window */
    uint64_t events, bytes; /* delivered then */
    double events_per_second;
    double bytes_per_second;

    struct spool_position position; /* that the last process told */
    int64_t day;                    /* since 1970, in UTC */
    uint64_t today;                 /* bytes that CloudWatch took on it ... */
    uint64_t yesterday;             /* ... and on the day before */
    uint64_t bytes_before;          /* that are in today already */
};

/** What is true at the moment. */
struct status_facts {
    struct spool_position position;
    struct checkpoint_counts counts;
    uint64_t lag_bytes;
    int64_t lag_ms;                  /* age of the oldest entry on its way */
    const int64_t *clock_offset_ms;  /* NULL: not known */
    uint64_t retry_bytes;            /* of retry/, to be sent */
    uint64_t bytes;                  /* that CloudWatch took since the start */
    const struct stream_report *sum; /* over the streams */
    const struct stream_report *streams;
    size_t stream_count;
};

/** status_restore(): the day's bytes go on where the last process left them,
 * and how far it had come, which may be further than its checkpoint. */
void status_restore(struct status *status, int dirfd);

/** status_write(): Return: 0 or a negative errno. */
int status_write(struct status *status, int dirfd,
                 const struct status_facts *facts, int64_t now_ms,
                 int64_t now_us);

/** status_state(): the word for what a stream is doing. */
const char *status_state(const struct stream_report *report);

/** status_replace(): a file of the spool, renamed into place like the
 * checkpoint, but not synced.  Return: 0 or a negative errno. */
int status_replace(int dirfd, const char *name, const struct buf *text);
