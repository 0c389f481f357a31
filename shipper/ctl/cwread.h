#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct aws_sync;
struct buf;
struct cJSON;

/*
 * Reading CloudWatch Logs, page by page, in as much memory as a page takes.
 * All return 0, AWS_SYNC_MISSING where there is no such group, an exit code
 * that was told, or what the callback returned to end it.
 */

/** What CloudWatch says of a group. */
struct cwread_group {
    int64_t retention_days; /* 0: for ever */
    uint64_t stored_bytes;
    int64_t created_ms;
};

int cwread_group(struct aws_sync *sync, const char *name,
                 struct cwread_group *group);

/** What it says of a stream; times are in ms, 0 where it has none. */
struct cwread_stream {
    const char *name; /* borrowed */
    int64_t created_ms;
    int64_t first_ms, last_ms; /* of its events; may lag an hour behind */
    int64_t ingested_ms;       /* likewise, when the last one came in */
};

/** cwread_streams(): those of @group that begin with @prefix, by name. */
int cwread_streams(struct aws_sync *sync, const char *group, const char *prefix,
                   int (*see)(void *owner, const struct cwread_stream *stream),
                   void *owner);

/** Which events are wanted. */
struct cwread_range {
    const char *group;
    const char *prefix;  /* of their streams' names; "": any */
    const char *pattern; /* CloudWatch's filter pattern; NULL: all */
    int64_t start;       /* ms, inclusive */
    int64_t end;         /* exclusive */
};

struct cwread_event {
    struct slice message;
    const char *stream;
    int64_t ts;
    int64_t ingested_ms;
};

/** cwread_events(): in CloudWatch's order. */
int cwread_events(struct aws_sync *sync, const struct cwread_range *range,
                  int (*see)(void *owner, const struct cwread_event *event),
                  void *owner);

/**
 * cwread_prefix(): what all names made from [shipper] log_stream begin with:
 * the text before its first placeholder.
 */
void cwread_prefix(struct buf *out, const char *pattern);

/**
 * cwread_event_id(): the 36 characters of a message's eventId, not terminated,
 * or NULL.
 */
const char *cwread_event_id(struct slice message);
