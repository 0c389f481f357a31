#include "shipper/tally.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/fileio.h"
#include "common/log.h"
#include "common/timefmt.h"
#include "shipper/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BROKEN SPOOL_CHECKPOINT ".broken"

struct tally {
    int dirfd;
    struct checkpoint known; /* as it was read; then streams that are closed */
    size_t known_room;
    struct spool_position durable, durable_retry;
    uint64_t durable_letters;
    bool lost;        /* there was none to read */
    struct buf saved; /* what the file says, but for the time */
    int failed;       /* the last write, and told */
};

static int
set_aside(int dirfd)
{
    log_error("checkpoint_broken", log_text("kept_as", BROKEN),
              log_text("next",
                       "what is in the spool is looked up, then shipped"), );
    return fileio_ops.renameat(dirfd, SPOOL_CHECKPOINT, dirfd, BROKEN) < 0
               ? -errno
               : 0;
}

int
tally_open(struct tally **out, int dirfd)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    int r;

    if (!tally)
        return -ENOMEM;
    tally->dirfd = dirfd;
    tally->lost = true;
    buf_init(&tally->saved, CHECKPOINT_BYTES_MAX);
    r = checkpoint_read(&tally->known, dirfd);
    if (r == CHECKPOINT_BROKEN)
        r = set_aside(dirfd);
    else if (r == CHECKPOINT_UNKNOWN)
        r = -EPROTO;
    else if (r == -ENOENT)
        r = 0;
    else
        tally->lost = false;
    if (r < 0) {
        free(tally);
        return r;
    }
    tally->known_room = tally->known.stream_count;
    tally->durable = tally->known.position;
    tally->durable_retry = tally->known.retry;
    tally->durable_letters = tally->known.letters_taken;
    *out = tally;
    return 0;
}

void
tally_close(struct tally *tally)
{
    if (!tally)
        return;
    checkpoint_deinit(&tally->known);
    buf_deinit(&tally->saved);
    free(tally);
}

struct spool_position
tally_durable(const struct tally *tally)
{
    return tally->durable;
}

struct spool_position
tally_durable_retry(const struct tally *tally)
{
    return tally->durable_retry;
}

bool
tally_is_lost(const struct tally *tally)
{
    return tally->lost;
}

static bool
is_row_of(const struct checkpoint_stream *row, const char *group,
          const char *stream, bool retry)
{
    return spool_is_retry(row->position.segment) == retry &&
           !strcmp(row->group, group) && !strcmp(row->stream, stream);
}

const struct checkpoint_stream *
tally_stream(const struct tally *tally, const char *group, const char *stream,
             bool retry)
{
    for (size_t i = 0; i < tally->known.stream_count; i++)
        if (is_row_of(&tally->known.streams[i], group, stream, retry))
            return &tally->known.streams[i];
    return NULL;
}

static void
free_row(struct checkpoint_stream *row)
{
    free(row->group);
    free(row->stream);
    free(row->token);
    *row = (struct checkpoint_stream){0};
}

static void
forget(struct tally *tally, size_t index)
{
    struct checkpoint *known = &tally->known;

    free_row(&known->streams[index]);
    known->stream_count--;
    memmove(&known->streams[index], &known->streams[index + 1],
            (known->stream_count - index) * sizeof(*known->streams));
}

/* Nothing before the positions will be read again: whose row lies there can
 * be forgotten, the oldest first. */
static void
forget_passed(struct tally *tally)
{
    struct checkpoint *known = &tally->known;

    for (size_t i = 0;
         known->stream_count > TALLY_KNOWN_MAX && i < known->stream_count;) {
        const struct checkpoint_stream *row = &known->streams[i];
        struct spool_position end =
            row->in_flight ? row->inflight.end : row->position;
        struct spool_position passed = spool_is_retry(row->position.segment)
                                           ? tally->durable_retry
                                           : tally->durable;

        if (spool_position_compare(end, passed) <= 0)
            forget(tally, i);
        else
            i++;
    }
}

/* The constants of the struct are borrowed for printing and copying alone. */
static struct checkpoint_stream
row_of(const struct stream *stream)
{
    struct checkpoint_stream row = {
        .group = (char *)stream_group(stream),
        .stream = (char *)stream_name_of(stream),
        .token = (char *)stream_token(stream),
        .position = stream_position(stream),
    };

    row.in_flight = stream_in_flight(stream, &row.inflight);
    return row;
}

static int
make_room(struct tally *tally)
{
    struct checkpoint *known = &tally->known;
    size_t room = known->stream_count + 1;
    struct checkpoint_stream *rows;

    if (room <= tally->known_room)
        return 0;
    rows = reallocarray(known->streams, 2 * room, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    known->streams = rows;
    tally->known_room = 2 * room;
    return 0;
}

int
tally_keep(struct tally *tally, const struct stream *stream)
{
    struct checkpoint_stream row = row_of(stream);
    bool retry = spool_is_retry(row.position.segment);

    row.group = strdup(row.group);
    row.stream = strdup(row.stream);
    row.token = row.token ? strdup(row.token) : NULL;
    if (!row.group || !row.stream || make_room(tally) < 0) {
        free_row(&row);
        return -ENOMEM;
    }
    for (size_t i = 0; i < tally->known.stream_count; i++)
        if (is_row_of(&tally->known.streams[i], row.group, row.stream, retry))
            forget(tally, i);
    tally->known.streams[tally->known.stream_count++] = row;
    return 0;
}

struct checkpoint_counts
tally_counts(const struct tally *tally)
{
    return tally->known.counts;
}

/* Return: how many there were; a checkpoint that was lost knows of fewer. */
static uint64_t
take_from_dead(struct tally *tally, uint64_t entries)
{
    uint64_t *dead = &tally->known.counts.dead;
    uint64_t taken = entries < *dead ? entries : *dead;

    *dead -= taken;
    return taken;
}

/* A letter is written before its batch is settled, and counted after. */
static void
drop_dead(struct tally *tally, uint64_t entries)
{
    uint64_t taken = take_from_dead(tally, entries);

    tally->known.counts.dropped += taken;
    tally->known.dropped_ahead = entries - taken;
}

void
tally_add(struct tally *tally, const struct checkpoint_counts *more)
{
    struct checkpoint_counts *counts = &tally->known.counts;

    counts->delivered += more->delivered;
    counts->dead += more->dead;
    counts->dropped += more->dropped;
    counts->replayed += more->replayed;
    drop_dead(tally, tally->known.dropped_ahead);
}

bool
tally_letters(struct tally *tally, uint64_t number, uint64_t entries,
              bool dropped)
{
    if (number <= tally->known.letters_taken)
        return false;
    tally->known.letters_taken = number;
    if (dropped)
        drop_dead(tally, entries + tally->known.dropped_ahead);
    else
        (void)take_from_dead(tally, entries);
    return true;
}

uint64_t
tally_letters_taken(const struct tally *tally)
{
    return tally->known.letters_taken;
}

uint64_t
tally_durable_letters(const struct tally *tally)
{
    return tally->durable_letters;
}

static bool
is_open(const struct tally_now *now, const struct checkpoint_stream *row)
{
    for (size_t i = 0; i < now->stream_count; i++) {
        const struct stream *stream = now->streams[i];

        if (is_row_of(row, stream_group(stream), stream_name_of(stream),
                      spool_is_retry(stream_position(stream).segment)))
            return true;
    }
    return false;
}

/* The open streams as they are, the others as they were left. */
static int
print(const struct tally *tally, const struct tally_now *now,
      const char *saved_at, struct buf *out)
{
    size_t most = now->stream_count + tally->known.stream_count;
    struct checkpoint_stream *rows = calloc(most ? most : 1, sizeof(*rows));
    struct checkpoint checkpoint = {
        .position = now->position,
        .retry = now->retry,
        .letters_taken = tally->known.letters_taken,
        .dropped_ahead = tally->known.dropped_ahead,
        .streams = rows,
        .counts = tally->known.counts,
    };
    int r;

    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < now->stream_count; i++)
        rows[checkpoint.stream_count++] = row_of(now->streams[i]);
    for (size_t i = 0; i < tally->known.stream_count; i++)
        if (!is_open(now, &tally->known.streams[i]))
            rows[checkpoint.stream_count++] = tally->known.streams[i];
    (void)strcpy(checkpoint.saved_at, saved_at);
    r = checkpoint_print(&checkpoint, out);
    free(rows);
    return r;
}

static int
write_checkpoint(struct tally *tally, const struct tally_now *now)
{
    char saved_at[CHECKPOINT_TIME_SIZE];
    struct buf text;
    int r;

    timefmt_rfc3339(saved_at, clock_wall_ms());
    buf_init(&text, CHECKPOINT_BYTES_MAX);
    r = print(tally, now, saved_at, &text);
    if (!r)
        r = fileio_replace(tally->dirfd, SPOOL_CHECKPOINT, text.data, text.len);
    buf_deinit(&text);
    return r;
}

static void
tell(struct tally *tally, int r)
{
    if (r == tally->failed)
        return;
    if (r)
        log_error("checkpoint_failed", log_errno(r),
                  log_text("next",
                           "shipping goes on with the position in "
                           "memory; a restart looks up what was sent"), );
    else
        log_notice("checkpoint_written", );
    tally->failed = r;
}

int
tally_save(struct tally *tally, const struct tally_now *now)
{
    struct buf text;
    int r;

    buf_init(&text, CHECKPOINT_BYTES_MAX);
    r = print(tally, now, "", &text);
    if (!r && text.len == tally->saved.len &&
        !memcmp(text.data, tally->saved.data, text.len)) {
        buf_deinit(&text);
        return 0;
    }
    if (!r)
        r = write_checkpoint(tally, now);
    tell(tally, r);
    if (r) {
        buf_deinit(&text);
        return r;
    }
    buf_deinit(&tally->saved);
    tally->saved = text;
    tally->durable = now->position;
    tally->durable_retry = now->retry;
    tally->durable_letters = tally->known.letters_taken;
    forget_passed(tally);
    return 0;
}
