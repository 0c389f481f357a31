#pragma once

#include <stdint.h>

struct seen;
struct spool_writer_start;
struct synced;

/*
 * What a starting ingest makes of the spool that it finds: how far the last
 * segment can be trusted, how many entries were ever accepted, which number
 * comes next, and which eventIds were taken lately.  Nothing is changed.
 */

/**
 * takeover_find(): where the writer goes on.  The last segment and the folder
 * are synced before they are trusted.
 *
 * Return: 0, -EPROTO for a version that this program does not know, or another
 * errno.
 */
int takeover_find(int dirfd, const struct synced *synced,
                  struct spool_writer_start *start);

/** takeover_read_ids(): the newest eventIds before @start into @seen. */
int takeover_read_ids(int dirfd, const struct spool_writer_start *start,
                      struct seen *seen, int64_t now_ms);
