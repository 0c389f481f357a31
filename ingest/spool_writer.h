#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram;
struct synced;

/*
 * The writing end of the spool (common/spool.h has its rules): one segment at
 * a time, commits appended and synced, the durable end published.
 *
 * A segment is sealed when it is full, when it has reached its age, when the
 * clock falls, and after any failed write or sync; a sealed segment is never
 * written or synced again, because after a failed sync the kernel answers OK
 * to the next one over pages that never reached the disk.  The successor's
 * first line tells how far the sealed one can be trusted, so nothing needs to
 * be cut.
 *
 * Not thread-safe: the commit thread owns it.
 */
struct spool_writer;

struct spool_writer_options {
    int dirfd;             /* borrowed */
    struct synced *synced; /* borrowed */
    uint64_t segment_size;
    int64_t segment_age_us;
    struct histogram *sync_us; /* durations of fdatasync(); borrowed */
};

/** Where the spool stands when a writer takes over. */
struct spool_writer_start {
    uint64_t number;   /* of the first segment to create */
    uint64_t prev;     /* the segment before it, or 0 ... */
    uint64_t prev_end; /* ... and the end of its good bytes */
    uint64_t entries;  /* accepted so far */
    int64_t last_ts;   /* of the newest line, or 0 */
};

/** A clock this far behind the last line begins a new segment. */
enum { SPOOL_WRITER_FALL_MS = 5 * 60 * 1000 };

/** spool_writer_open(): creates the first segment, durably, at @now_ms. */
int spool_writer_open(struct spool_writer **writer,
                      const struct spool_writer_options *options,
                      const struct spool_writer_start *start, int64_t now_ms,
                      int64_t now_us);

/** spool_writer_close(): everything committed is durable already. */
void spool_writer_close(struct spool_writer *writer);

/** spool_writer_falls(): whether a line of @ts must begin a new segment. */
bool spool_writer_falls(const struct spool_writer *writer, int64_t ts);

/** spool_writer_clamp(): the time that a line received at @ts carries. */
int64_t spool_writer_clamp(const struct spool_writer *writer, int64_t ts);

/**
 * spool_writer_commit(): make @len bytes of sealed lines durable.  Their times
 * rise from @first_ts to @last_ts; where @first_ts falls (see above), or the
 * segment is full, old or sealed, they begin a new one.  What fails is tried
 * once more in a new segment.
 *
 * Return: 0 when all of it is durable and published, or a negative errno when
 * none of it is.  It stays out of the spool for as long as `synced` or a
 * successor tells where the segment ends; where no successor could be made and
 * power is cut, a restart trusts whatever whole lines the disk kept.
 */
int spool_writer_commit(struct spool_writer *writer, const char *lines,
                        size_t len, unsigned entries, int64_t first_ts,
                        int64_t last_ts, int64_t now_us);

/**
 * spool_writer_age(): seal a non-empty segment that has reached its age.
 *
 * Return: microseconds until this is due again, at least; -1: not before the
 * next commit.
 */
int64_t spool_writer_age(struct spool_writer *writer, int64_t now_ms,
                         int64_t now_us);
