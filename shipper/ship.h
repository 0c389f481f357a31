#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct settings;

/*
 * The pump: read what was acknowledged, pack it, send it, and move the
 * checkpoint past what is delivered or dead; again, for ever.
 *
 *     spool_reader ──▶ stream (gathers, sends, retries) ──settled──▶ checkpoint
 *
 * The checkpoint is written after each settled batch, before the next one is
 * sent, so that a crash can double no more than what was in flight.  Where it
 * cannot be written the position is kept in memory, and that is told.
 */
struct aws;
struct figures_facts;
struct ship;

/**
 * ship_new(): @dirfd is the spool's folder, with shipper's lock held; @aws is
 * borrowed.
 *
 * Return: 0; -EPROTO: a file is of a version that this program does not know;
 * or another errno; unless 0 it has been logged.
 */
int ship_new(struct ship **ship, uv_loop_t *loop,
             const struct settings *settings, int dirfd, struct aws *aws);

/**
 * ship_drain(): read nothing more; send what is gathered, once, and wait for
 * the answer.  done() is called when nothing is on its way, at the latest
 * after eight seconds.
 */
void ship_drain(struct ship *ship, void (*done)(void *owner), void *owner);

/**
 * ship_take(): send what clickspoolctl wrote to retry/ as @name, or resolve
 * its letters (retry_files.h has the errors).  *@number: what it is called
 * from now on.
 */
int ship_take(struct ship *ship, const char *name, uint64_t *number);

/** ship_hold_door(): have ingest refuse new entries, and nothing linger; or
 * end that.  It outlives both daemons.  Return: 0 or a negative errno. */
int ship_hold_door(struct ship *ship, bool closed);

/** ship_summary(): one line for people, for `systemctl status`. */
const char *ship_summary(struct ship *ship);

/** ship_figures(): what it has counted, and how far behind it is. */
void ship_figures(const struct ship *ship, struct figures_facts *facts);

/** ship_close(): the loop has to run for its handles, then ship_free(). */
void ship_close(struct ship *ship);
void ship_free(struct ship *ship);
