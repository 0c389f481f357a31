#pragma once

#include "common/checkpoint.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>

struct stream;

/*
 * How far shipping has come, in memory and in checkpoint.json: the position
 * that survives, and the counts of all time.
 */
struct tally;

/**
 * tally_open(): from the spool's checkpoint.  One that cannot be read is set
 * aside as checkpoint.json.broken.
 *
 * Return: 0; -EPROTO: of a version that this program does not know, the file
 * untouched; or another errno.
 */
int tally_open(struct tally **tally, int dirfd);
void tally_close(struct tally *tally);

/** tally_durable(): the position that is on disk. */
struct spool_position tally_durable(const struct tally *tally);

/** tally_is_lost(): there was no checkpoint that could be read, so what is in
 * the spool may have been sent. */
bool tally_is_lost(const struct tally *tally);

/** tally_stream(): what was known of a stream at the start, or NULL. */
const struct checkpoint_stream *
tally_stream(const struct tally *tally, const char *group, const char *stream);

struct checkpoint_counts tally_counts(const struct tally *tally);

/** tally_settled(): count; tally_save() is due before the next batch goes. */
void tally_settled(struct tally *tally, uint64_t delivered, uint64_t dead);

/**
 * tally_save(): write the checkpoint, with what is in flight, if anything has
 * changed.  Where that
 * fails the position is kept in memory, and the failure is told once.
 */
void tally_save(struct tally *tally, const struct stream *stream);
