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
    struct checkpoint start; /* as it was read */
    struct checkpoint_counts counts;
    struct spool_position durable;
    bool lost;            /* there was none to read */
    bool changed;         /* counts that are not on disk */
    bool saved_in_flight; /* what the checkpoint on disk says is, ... */
    struct spool_position saved_first, saved_end; /* ... from here to there */
    int failed;                                   /* the last write, and told */
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
    r = checkpoint_read(&tally->start, dirfd);
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
    tally->counts = tally->start.counts;
    tally->durable = tally->start.position;
    *out = tally;
    return 0;
}

void
tally_close(struct tally *tally)
{
    if (!tally)
        return;
    checkpoint_deinit(&tally->start);
    free(tally);
}

struct spool_position
tally_durable(const struct tally *tally)
{
    return tally->durable;
}

bool
tally_is_lost(const struct tally *tally)
{
    return tally->lost;
}

const struct checkpoint_stream *
tally_stream(const struct tally *tally, const char *group, const char *stream)
{
    for (size_t i = 0; i < tally->start.stream_count; i++) {
        const struct checkpoint_stream *known = &tally->start.streams[i];

        if (!strcmp(known->group, group) && !strcmp(known->stream, stream))
            return known;
    }
    return NULL;
}

struct checkpoint_counts
tally_counts(const struct tally *tally)
{
    return tally->counts;
}

/* The constants of the struct are borrowed for printing alone. */
static int
write_checkpoint(struct tally *tally, const struct stream *stream,
                 const struct checkpoint_inflight *inflight)
{
    struct checkpoint_stream row = {
        .group = (char *)stream_group(stream),
        .stream = (char *)stream_name_of(stream),
        .token = (char *)stream_token(stream),
        .position = stream_position(stream),
        .in_flight = inflight->count > 0,
        .inflight = *inflight,
    };
    struct checkpoint checkpoint = {
        .position = row.position,
        .streams = &row,
        .stream_count = 1,
        .counts = tally->counts,
    };
    struct buf text;
    int r;

    timefmt_rfc3339(checkpoint.saved_at, clock_wall_ms());
    buf_init(&text, CHECKPOINT_BYTES_MAX);
    r = checkpoint_print(&checkpoint, &text);
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

/* Whether the checkpoint on disk tells the same of what is in flight. */
static bool
is_saved(const struct tally *tally, const struct checkpoint_inflight *inflight)
{
    return tally->saved_in_flight == (inflight->count > 0) &&
           !spool_position_compare(tally->saved_first, inflight->first) &&
           !spool_position_compare(tally->saved_end, inflight->end);
}

void
tally_save(struct tally *tally, const struct stream *stream)
{
    struct spool_position position = stream_position(stream);
    struct checkpoint_inflight inflight = {0};
    int r;

    (void)stream_in_flight(stream, &inflight);
    if (!tally->changed && is_saved(tally, &inflight) &&
        !spool_position_compare(position, tally->durable))
        return;
    r = write_checkpoint(tally, stream, &inflight);
    tell(tally, r);
    if (r)
        return;
    tally->durable = position;
    tally->changed = false;
    tally->saved_in_flight = inflight.count > 0;
    tally->saved_first = inflight.first;
    tally->saved_end = inflight.end;
}

void
tally_settled(struct tally *tally, uint64_t delivered, uint64_t dead)
{
    tally->counts.delivered += delivered;
    tally->counts.dead += dead;
    tally->changed = true;
}
