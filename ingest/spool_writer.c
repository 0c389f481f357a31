#include "ingest/spool_writer.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/fileio.h"
#include "common/histogram.h"
#include "common/log.h"
#include "common/spool.h"
#include "common/synced.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PREALLOCATE = 1024 * 1024, /* bytes ahead of the end, a step at a time */
    AGE_RETRY_US = 1000000,
};

struct spool_writer {
    struct spool_writer_options options;
    uint64_t next; /* number for the next segment */

    /* The active segment; without one, fd is -1 and the rest tells of the
     * last one that was. */
    int fd;
    uint64_t number;
    uint64_t good_end;  /* the end of the last good sync */
    uint64_t first;     /* the end of its control line */
    uint64_t allocated; /* blocks are there up to here */
    int64_t opened_us;
    bool sealed; /* by a failure: nothing is written here any more */

    uint64_t entries; /* durable, ever */
    int64_t last_ts;  /* of the newest line */
};

/* Growing block by block costs each sync a journal entry of its own.  The
 * size stays as it is, so that nobody who tails the file sees zeros. */
static void
preallocate(struct spool_writer *writer, uint64_t end)
{
    if (end <= writer->allocated)
        return;
    (void)fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)writer->allocated,
                    (off_t)(end - writer->allocated + PREALLOCATE));
    writer->allocated = end + PREALLOCATE; /* tried once, whatever it said */
}

/* One write(): a short one is a failure like any other. */
static int
write_once(int fd, const char *bytes, size_t len)
{
    ssize_t n = fileio_ops.write(fd, bytes, len);

    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -ENOSPC;
}

static int
sync_data(struct spool_writer *writer)
{
    int64_t start = clock_mono_us();
    int r = fileio_datasync(writer->fd);

    histogram_add(writer->options.sync_us, (uint64_t)(clock_mono_us() - start));
    return r;
}

static void
publish(struct spool_writer *writer)
{
    synced_publish(writer->options.synced,
                   (struct spool_position){writer->number, writer->good_end});
}

static int
create_file(const struct spool_writer *writer, uint64_t number,
            struct spool_control *control)
{
    int dirfd = writer->options.dirfd;
    char name[SPOOL_NAME_SIZE];
    struct buf line;
    int fd, r;

    fd = fileio_open(dirfd, spool_name(number, name),
                     O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
    if (fd < 0)
        return fd;

    buf_init(&line, SPOOL_CONTROL_MAX);
    r = spool_control_write(&line, control);
    if (!r)
        r = write_once(fd, line.data, line.len);
    if (!r)
        r = fileio_datasync(fd);
    /* No entry is acknowledged in a file whose name a power cut may take. */
    if (!r)
        r = fileio_sync(dirfd);
    buf_deinit(&line);
    if (!r)
        return fd;

    /* Nothing was acknowledged in it, and no page names it. */
    (void)close(fd);
    (void)unlinkat(dirfd, name, 0);
    return r;
}

/* The active segment ends at its last good sync; a new one begins at @ts. */
static int
begin_segment(struct spool_writer *writer, int64_t ts, int64_t now_us)
{
    struct spool_control control = {
        .ts = ts,
        .prev = writer->number,
        .prev_end = writer->good_end,
        .entries = writer->entries,
    };
    uint64_t number = writer->next++;
    char name[SPOOL_NAME_SIZE];
    int fd;

    fd = create_file(writer, number, &control);
    if (fd < 0)
        return fd;

    if (writer->fd >= 0)
        (void)close(writer->fd);
    writer->fd = fd;
    writer->number = number;
    writer->first = writer->good_end = writer->allocated = control.len;
    writer->opened_us = now_us;
    writer->sealed = false;
    writer->last_ts = ts;
    publish(writer);
    log_info("segment_opened", log_text("segment", spool_name(number, name)),
             log_int("entries_before", (int64_t)writer->entries), );
    return 0;
}

int
spool_writer_open(struct spool_writer **out,
                  const struct spool_writer_options *options,
                  const struct spool_writer_start *start, int64_t now_ms,
                  int64_t now_us)
{
    struct spool_writer *writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer)
        return -ENOMEM;
    *writer = (struct spool_writer){
        .options = *options,
        .next = start->number,
        .fd = -1,
        .number = start->prev,
        .good_end = start->prev_end,
        .entries = start->entries,
        .last_ts = start->last_ts,
    };
    r = begin_segment(writer, spool_writer_clamp(writer, now_ms), now_us);
    if (r < 0) {
        free(writer);
        return r;
    }
    *out = writer;
    return 0;
}

void
spool_writer_close(struct spool_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        (void)close(writer->fd);
    free(writer);
}

bool
spool_writer_falls(const struct spool_writer *writer, int64_t ts)
{
    return ts < writer->last_ts - SPOOL_WRITER_FALL_MS;
}

int64_t
spool_writer_clamp(const struct spool_writer *writer, int64_t ts)
{
    if (ts >= writer->last_ts || spool_writer_falls(writer, ts))
        return ts;
    return writer->last_ts;
}

static bool
is_empty(const struct spool_writer *writer)
{
    return writer->good_end == writer->first;
}

static bool
is_old(const struct spool_writer *writer, int64_t now_us)
{
    return now_us - writer->opened_us >= writer->options.segment_age_us;
}

static bool
wants_new_segment(const struct spool_writer *writer, size_t len,
                  int64_t first_ts, int64_t now_us)
{
    if (writer->sealed || spool_writer_falls(writer, first_ts))
        return true;
    return !is_empty(writer) &&
           (writer->good_end + len > writer->options.segment_size ||
            is_old(writer, now_us));
}

static int
write_and_sync(struct spool_writer *writer, const char *lines, size_t len)
{
    char name[SPOOL_NAME_SIZE];
    int r;

    preallocate(writer, writer->good_end + len);
    r = write_once(writer->fd, lines, len);
    if (!r)
        r = sync_data(writer);
    if (!r) {
        writer->good_end += len;
        return 0;
    }

    writer->sealed = true;
    log_error("segment_sealed",
              log_text("segment", spool_name(writer->number, name)),
              log_int("good_end", (int64_t)writer->good_end), log_errno(r), );
    return r;
}

int
spool_writer_commit(struct spool_writer *writer, const char *lines, size_t len,
                    unsigned entries, int64_t first_ts, int64_t last_ts,
                    int64_t now_us)
{
    int r = -EIO;

    assert(first_ts <= last_ts);
    for (int tries = 0; r < 0 && tries < 2; tries++) {
        r = 0;
        if (wants_new_segment(writer, len, first_ts, now_us))
            r = begin_segment(writer, first_ts, now_us);
        if (!r)
            r = write_and_sync(writer, lines, len);
    }
    if (r < 0) {
        /* Entries answered 503 must not come alive at a restart: where no
         * successor can be made, the published end keeps them out, and the
         * segment stays sealed. */
        log_error("commit_failed", log_int("entries", entries), log_errno(r), );
        return r;
    }
    writer->entries += entries;
    writer->last_ts = last_ts;
    publish(writer);
    return 0;
}

int64_t
spool_writer_age(struct spool_writer *writer, int64_t now_ms, int64_t now_us)
{
    int64_t due = writer->opened_us + writer->options.segment_age_us;
    int r;

    if (is_empty(writer) && !writer->sealed)
        return -1;
    if (now_us < due && !writer->sealed)
        return due - now_us;
    r = begin_segment(writer, spool_writer_clamp(writer, now_ms), now_us);
    return r < 0 ? AGE_RETRY_US : -1;
}
