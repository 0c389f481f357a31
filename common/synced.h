#pragma once

#include "common/spool.h"

/*
 * How far the active segment is durable, told through one shared page.
 *
 * ingest publishes a position after each sync; shipper reads the active
 * segment up to there and no further, so that nothing is delivered that was
 * not acknowledged.  The page need not survive a power cut: it carries the id
 * of the boot it was written in, and a reader of another boot ignores it.
 */
struct synced;

/** synced_create(): the writer's page, made where it is missing. */
int synced_create(struct synced **synced, int dirfd);

/**
 * synced_open(): a reader's view.
 *
 * Return: 0, -ENOENT where there is none yet, -EPROTO for a version that this
 * program does not know, or another errno.
 */
int synced_open(struct synced **synced, int dirfd);

void synced_close(struct synced *synced);

/** synced_publish(): by the one writer, after a sync. */
void synced_publish(struct synced *synced, struct spool_position position);

/**
 * synced_read(): the last position published.
 *
 * Return: 1, or 0 where none was published since the machine started (or the
 * writer died within publishing).
 */
int synced_read(const struct synced *synced, struct spool_position *position);
