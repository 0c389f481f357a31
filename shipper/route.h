#pragma once

#include "common/slice.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct settings;

/*
 * Which log group and log stream an entry goes to: [shipper] log_group and
 * log_stream with their placeholders filled in.
 *
 *     {hostname}  the machine's name
 *     {instance}  cloud-init's id of the machine, or else /etc/machine-id;
 *                 nobody is asked over the network
 *     {category}  the entry's logCategory
 *     {date}      the day it was received, in UTC: 2026-01-02
 *
 * Entries of one key go to one stream.  Pure but for route_init().
 */
enum {
    ROUTE_CATEGORY_SIZE = 32,
    ROUTE_INSTANCE_SIZE = 128,
    ROUTE_NAME_MAX = 512, /* API reference, "PutLogEvents" */
};

struct route {
    const char *group, *stream; /* borrowed from the settings */
    char hostname[HOST_NAME_MAX + 1];
    char instance[ROUTE_INSTANCE_SIZE];
    bool by_category, by_date; /* keys differ in these */
};

struct route_key {
    char category[ROUTE_CATEGORY_SIZE]; /* "" where it makes no difference */
    int64_t day;                        /* since 1970; 0 likewise */
};

void route_init(struct route *route, const struct settings *settings);

/** route_find(): the key of an entry's @line, received at @ts. */
struct route_key route_find(const struct route *route, struct slice line,
                            int64_t ts);

/** route_for(): the key of entries of @category, received at @ts. */
struct route_key route_for(const struct route *route, struct slice category,
                           int64_t ts);

bool route_same(const struct route_key *a, const struct route_key *b);

/** route_varies(): whether there may be more than one key. */
bool route_varies(const struct route *route);

/** route_group(), route_stream(): append the name for @key. */
void route_group(const struct route *route, const struct route_key *key,
                 struct buf *out);
void route_stream(const struct route *route, const struct route_key *key,
                  struct buf *out);

/** route_check(): settings_complain()s of names that CloudWatch would refuse
 * (API reference, "CreateLogGroup", "CreateLogStream"). */
void route_check(struct settings *settings);
