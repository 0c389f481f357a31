#pragma once

#include "common/slice.h"
#include "ingest/commit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct exchange;

/*
 * A request whose entries are on their way to the disk, with the answer that
 * is due once they are there.
 *
 * `taken` are the ids that entered the window of known ones with this request:
 * if its commit fails they leave it again.  `known` are ids that were there
 * already, maybe themselves still on their way: commits finish in order, so by
 * the time this ticket is done their own fate is settled, and an id that has
 * left the window was not stored after all.
 */
struct pending_ids {
    uint8_t (*taken)[16];
    size_t taken_count;
    uint8_t (*known)[16];
    size_t known_count;
};

/**
 * pending_append(): hand @lines to the commit; the exchange is answered when
 * they are durable: 202 with @answer, or 503.  Everything is copied.
 *
 * Return: 0, or what commit_append() returns; then nothing was taken, the ids
 * are still in the window, and the exchange is the caller's.
 */
int pending_append(struct app *app, struct exchange *exchange,
                   struct slice lines, const struct pending_ids *ids,
                   struct slice answer);

/** pending_forget(): take the ids of a request that came to nothing out. */
void pending_forget(struct app *app, const struct pending_ids *ids);
