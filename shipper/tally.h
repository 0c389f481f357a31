#pragma once

#include "common/checkpoint.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

/*
 * How far shipping has come, in memory and in checkpoint.json: the positions
 * that survive, what is known of streams that are not open at the moment, and
 * the counts of all time.
 */
struct tally;

enum {
    /* Rows of streams that are not open: of more, those that are passed go. */
    TALLY_KNOWN_MAX = 64,
};

/** What is true at the moment; borrowed. */
struct tally_now {
    struct spool_position position; /* all before it is delivered or dead */
    struct spool_position retry;    /* the same of retry/ */
    struct stream *const *streams;  /* the open ones, of both */
    size_t stream_count;
};

/**
 * tally_open(): from the spool's checkpoint.  One that cannot be read is set
 * aside as checkpoint.json.broken.
 *
 * Return: 0; -EPROTO: of a version that this program does not know, the file
 * untouched; or another errno.
 */
int tally_open(struct tally **tally, int dirfd);
void tally_close(struct tally *tally);

/** tally_durable(): the position that is on disk; tally_durable_retry() that
 * of retry/. */
struct spool_position tally_durable(const struct tally *tally);
struct spool_position tally_durable_retry(const struct tally *tally);

/** tally_is_lost(): there was no checkpoint that could be read, so what is in
 * the spool may have been sent. */
bool tally_is_lost(const struct tally *tally);

/** tally_stream(): what is known of a stream that is not open, or NULL; good
 * until tally_keep() or tally_save().  @retry: of the one for retry/. */
const struct checkpoint_stream *tally_stream(const struct tally *tally,
                                             const char *group,
                                             const char *stream, bool retry);

/** tally_keep(): @stream is going to be closed: remember where it stands.
 * Return: 0 or -ENOMEM. */
int tally_keep(struct tally *tally, const struct stream *stream);

struct checkpoint_counts tally_counts(const struct tally *tally);

/** tally_add(): count; tally_save() is due before the next batch goes. */
void tally_add(struct tally *tally, const struct checkpoint_counts *more);

/** tally_letters(): file @number of retry/ has taken @entries from the dead
 * letters, to be sent, or, with @dropped, for good.  Return: whether that was
 * not counted before. */
bool tally_letters(struct tally *tally, uint64_t number, uint64_t entries,
                   bool dropped);

/** tally_letters_taken(): the highest number that was counted;
 * tally_durable_letters() that the checkpoint on disk knows of. */
uint64_t tally_letters_taken(const struct tally *tally);
uint64_t tally_durable_letters(const struct tally *tally);

/**
 * tally_save(): write the checkpoint, with what is in flight, if anything has
 * changed.  Where that fails the positions are kept in memory, and the failure
 * is told once.
 *
 * Return: 0 where all of it is on disk, or a negative errno.
 */
int tally_save(struct tally *tally, const struct tally_now *now);
