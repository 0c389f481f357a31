#pragma once

#include "common/buf.h"
#include "common/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aws_sync;
struct settings;

/*
 * Whether CloudWatch shows a few entries of about one time: one search for all
 * of them, by their eventIds.
 */
enum {
    SIGHTINGS_MAX = 18,        /* as a filter pattern has 1024 characters */
    SIGHTINGS_SPAN_MS = 60000, /* from the first to the last of them */
    SIGHTINGS_STREAM_SIZE = 513,
};

struct sighting {
    char event_id[LINE_ID_LEN + 1];
    int64_t ts;
    unsigned count;      /* events of this id, and of its time */
    int64_t ingested_ms; /* of the first of them */
    char stream[SIGHTINGS_STREAM_SIZE];
};

struct sightings {
    struct sighting ones[SIGHTINGS_MAX];
    size_t count;
    int64_t later_ms; /* 0, or: they may be there with a time up to this */
};

/** sightings_takes(): whether an entry of @ts may join these. */
bool sightings_takes(const struct sightings *sightings, int64_t ts);

/** sightings_add(): @event_id has LINE_ID_LEN characters. */
void sightings_add(struct sightings *sightings, const char *event_id,
                   int64_t ts);

/** sightings_look(): Return: 0, or an exit code, told.  A group that is not
 * there shows nothing. */
int sightings_look(struct sightings *sightings, struct aws_sync *sync,
                   const struct settings *settings);
