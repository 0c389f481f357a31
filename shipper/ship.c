#include "shipper/ship.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/gzip.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/dead_letter.h"
#include "shipper/figures.h"
#include "shipper/retention.h"
#include "shipper/spool_reader.h"
#include "shipper/status.h"
#include "shipper/stream.h"
#include "shipper/stream_name.h"
#include "shipper/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    POLL_MS = 100, /* how often the published end is looked at */
    SECOND_TICKS = 1000 / POLL_MS,
    SWEEP_SECONDS = 5,
    DRAIN_MS = 8000, /* of the 10 s that a stop may take */
    NAME_BYTES_MAX = 4096,
    SUMMARY_SIZE = 200,
};

struct ship {
    const struct settings *settings;
    int dirfd;
    struct stream_world world;
    struct spool_reader *reader;
    struct stream *stream;
    struct tally *tally;
    struct figures figures;
    struct status status;
    struct spool_item pending; /* was read, and has no place yet; ... */
    bool has_pending;          /* ... the reader is not asked meanwhile */

    uv_timer_t poll, drain;
    unsigned ticks;
    bool thorough;  /* the next look at the spool is a whole one */
    bool blocked;   /* a letter of bad bytes could not be written */
    int read_error; /* told already */
    bool draining;
    void (*drained)(void *owner);
    void *drained_owner;
    char summary[SUMMARY_SIZE];
};

/* Told when it begins and when it ends, not each time. */
static void
note_read_error(struct ship *ship, int error)
{
    if (error == ship->read_error)
        return;
    if (error)
        log_error("spool_unreadable",
                  log_text("cause", error == SPOOL_UNKNOWN
                                        ? "a version that is not known"
                                        : strerror(-error)),
                  log_text("next", "it is tried again each second"), );
    else
        log_notice("spool_readable", );
    ship->read_error = error;
}

/* Return: 0 when the run is durable among the dead letters. */
static int
bury_bad(struct ship *ship, const struct spool_item *item)
{
    char name[SPOOL_NAME_SIZE];
    int r;

    r = dead_letter_add_bad(ship->world.dead, item->position, item->len,
                            clock_wall_ms());
    if (!r)
        r = dead_letter_sync(ship->world.dead);
    if (r) {
        if (!ship->blocked)
            log_error("dead_letter_failed",
                      log_text("cause", r == DEAD_LETTER_FULL
                                            ? "dead_max_size is reached"
                                            : strerror(-r)),
                      log_text("next", "shipping holds here"), );
        ship->blocked = true;
        return r;
    }
    ship->blocked = false;
    log_error("bad_bytes",
              log_text("segment", spool_name(item->position.segment, name)),
              log_int("offset", (int64_t)item->position.offset),
              log_int("length", (int64_t)item->len),
              log_text("next", "they are among the dead letters"), );
    return 0;
}

/* Return: 1 when the item has its place, 0 when it has to come again. */
static int
place_item(struct ship *ship, const struct spool_item *item)
{
    int r;

    if (!item->bytes)
        return bury_bad(ship, item) == 0;
    r = stream_offer(ship->stream,
                     (struct slice){item->bytes, (size_t)item->len}, item->ts,
                     item->position, item->next);
    return r == 0;
}

/* Read until the stream has enough, or there is nothing more. */
static void
fill(struct ship *ship)
{
    bool thorough = ship->thorough;
    int r = 1;

    for (;;) {
        if (!ship->has_pending)
            r = spool_reader_next(ship->reader, ship->thorough, &ship->pending);
        ship->thorough = false;
        ship->has_pending = r == 1;
        if (r != 1 || !place_item(ship, &ship->pending))
            break;
        ship->has_pending = false;
    }
    /* A quick look that finds nothing has not looked at what failed. */
    if (r || thorough)
        note_read_error(ship, r == 1 ? 0 : r);
}

/* All before it has been handed to the stream, or is dead. */
static struct spool_position
read_up_to(const struct ship *ship)
{
    return ship->has_pending ? ship->pending.position
                             : spool_reader_position(ship->reader);
}

static void
pump(struct ship *ship)
{
    if (!ship->draining)
        fill(ship);
    stream_poke(ship->stream, ship->draining);
    stream_pass(ship->stream, read_up_to(ship));
}

static void
on_settled(void *owner, struct stream *stream, uint64_t delivered,
           uint64_t dead)
{
    struct ship *ship = owner;

    (void)stream;
    tally_settled(ship->tally, delivered, dead);
    pump(ship);
    tally_save(ship->tally, ship->stream); /* where pump() sent nothing */
}

/* One write serves the batch that is done with and the next one. */
static void
on_sending(void *owner, struct stream *stream)
{
    struct ship *ship = owner;

    tally_save(ship->tally, stream);
}

static void
write_status(struct ship *ship)
{
    struct stream_report report = stream_report(ship->stream);
    int64_t now_ms = clock_wall_ms(), age_ms;
    int64_t offset_ms = aws_clock_offset_ms(ship->world.aws, &age_ms);
    struct spool_position position = stream_position(ship->stream);
    struct status_facts facts = {
        .position = position,
        .counts = tally_counts(ship->tally),
        .lag_bytes = spool_reader_bytes(ship->reader, position),
        .lag_ms = report.oldest_ms && now_ms > report.oldest_ms
                      ? now_ms - report.oldest_ms
                      : 0,
        .clock_offset_ms = age_ms < 0 ? NULL : &offset_ms,
        .stream = &report,
    };

    /* Whoever looks sees by its age that it could not be written. */
    (void)status_write(&ship->status, ship->dirfd, &facts, now_ms,
                       clock_mono_us());
    (void)snprintf(ship->summary, SUMMARY_SIZE,
                   "%s; %" PRIu64 " delivered, %" PRIu64 " dead, %" PRIu64
                   " bytes behind",
                   status_state(&report), facts.counts.delivered,
                   facts.counts.dead, facts.lag_bytes);
}

static void
finish_drain(struct ship *ship)
{
    void (*drained)(void *owner) = ship->drained;

    if (!drained)
        return;
    ship->drained = NULL;
    (void)uv_timer_stop(&ship->drain);
    (void)uv_timer_stop(&ship->poll);
    tally_save(ship->tally, ship->stream);
    write_status(ship);
    drained(ship->drained_owner);
}

static void
on_poll(uv_timer_t *timer)
{
    struct ship *ship = timer->data;
    bool second = ++ship->ticks % SECOND_TICKS == 0;

    ship->thorough |= second;
    pump(ship);
    if (ship->draining &&
        (stream_empty(ship->stream) || stream_stuck(ship->stream)))
        finish_drain(ship);
    if (!second || ship->draining)
        return;
    tally_save(ship->tally, ship->stream);
    write_status(ship);
    if (ship->ticks % (SECOND_TICKS * SWEEP_SECONDS) == 0)
        retention_sweep(ship->dirfd, ship->settings, ship->world.dead,
                        tally_durable(ship->tally), clock_wall_ms());
}

/* Whether shipper wrote its status, as it does each second, so lately that
 * CloudWatch may not show yet what it sent. */
static bool
ended_lately(const struct ship *ship)
{
    int64_t wait_ms = ship->settings->shipper.resolve_wait;
    struct stat st;

    return fstatat(ship->dirfd, SPOOL_STATUS, &st, 0) == 0 &&
           llabs(clock_wall_ms() - (int64_t)st.st_mtim.tv_sec * 1000) <
               wait_ms + 1000;
}

/* What may have been sent already: what was in flight, and, without a
 * checkpoint, all that is there. */
static struct stream_past
past_of(const struct ship *ship, const struct checkpoint_stream *known)
{
    struct stream_past past = {
        .token = known ? known->token : NULL,
        .position = tally_durable(ship->tally),
        .look = true,
    };

    if (known && known->in_flight)
        past.doubt_end = known->inflight.end;
    else if (tally_is_lost(ship->tally) && ended_lately(ship))
        past.doubt_end = (struct spool_position){UINT64_MAX, UINT64_MAX};
    return past;
}

static int
open_stream(struct ship *ship)
{
    const struct checkpoint_stream *known;
    struct stream_past past;
    char hostname[HOST_NAME_MAX + 1] = "";
    struct buf name;
    int r;

    if (gethostname(hostname, sizeof(hostname)) < 0 || !*hostname)
        (void)strcpy(hostname, "localhost");
    buf_init(&name, NAME_BYTES_MAX);
    stream_name(&name, ship->settings->shipper.log_stream, hostname);
    (void)buf_putc(&name, '\0');
    r = name.failed;
    known = r ? NULL
              : tally_stream(ship->tally, ship->settings->shipper.log_group,
                             name.data);
    past = past_of(ship, known);
    if (!r)
        r = stream_new(&ship->stream, &ship->world,
                       ship->settings->shipper.log_group, name.data, &past);
    buf_deinit(&name);
    return r;
}

static int
open_parts(struct ship *ship)
{
    int level = (int)ship->settings->shipper.gzip_level;
    int r;

    r = tally_open(&ship->tally, ship->dirfd);
    if (!r)
        r = dead_letter_open(&ship->world.dead, ship->dirfd,
                             (uint64_t)ship->settings->shipper.dead_max_size,
                             tally_durable(ship->tally));
    if (!r)
        r = spool_reader_new(&ship->reader, ship->dirfd);
    if (!r && level)
        r = gzip_new(&ship->world.gzip, level);
    if (!r)
        r = open_stream(ship);
    if (!r)
        spool_reader_seek(ship->reader, tally_durable(ship->tally));
    if (!r)
        r = spool_reader_check(ship->reader);
    return r == SPOOL_UNKNOWN ? -EPROTO : r;
}

int
ship_new(struct ship **out, uv_loop_t *loop, const struct settings *settings,
         int dirfd, struct aws *aws)
{
    struct ship *ship = calloc(1, sizeof(*ship));
    int r;

    if (!ship)
        return -ENOMEM;
    ship->settings = settings;
    ship->dirfd = dirfd;
    ship->thorough = true;
    ship->world = (struct stream_world){
        .loop = loop,
        .settings = settings,
        .dirfd = dirfd,
        .aws = aws,
        .figures = &ship->figures,
        .owner = ship,
        .sending = on_sending,
        .settled = on_settled,
    };
    ship->poll.data = ship->drain.data = ship;
    (void)uv_timer_init(loop, &ship->poll);
    (void)uv_timer_init(loop, &ship->drain);
    *out = ship;

    r = open_parts(ship);
    if (r)
        log_error(
            "start_failed",
            log_text(
                "cause",
                r == -EPROTO
                    ? "a file of the spool is of a version that is not known"
                    : strerror(-r)), );
    else
        r = uv_timer_start(&ship->poll, on_poll, 0, POLL_MS);
    return r;
}

static void
on_drain_end(uv_timer_t *timer)
{
    struct ship *ship = timer->data;

    log_warning("drain_cut_short",
                log_text("next", "what is under way may "
                                 "be sent again"), );
    finish_drain(ship);
}

void
ship_drain(struct ship *ship, void (*done)(void *owner), void *owner)
{
    ship->draining = true;
    ship->drained = done;
    ship->drained_owner = owner;
    (void)uv_timer_start(&ship->drain, on_drain_end, DRAIN_MS, 0);
    /* done() is never called from in here: the next tick pumps. */
}

const char *
ship_summary(struct ship *ship)
{
    return ship->summary;
}

void
ship_figures(const struct ship *ship, struct figures_facts *facts)
{
    struct stream_report report = stream_report(ship->stream);
    int64_t now_ms = clock_wall_ms();

    facts->figures = &ship->figures;
    facts->last_success_ms = report.last_success_ms;
    facts->lag_ms = report.oldest_ms && now_ms > report.oldest_ms
                        ? now_ms - report.oldest_ms
                        : 0;
}

void
ship_close(struct ship *ship)
{
    if (!ship)
        return;
    stream_close(ship->stream);
    ship->stream = NULL;
    uv_close((uv_handle_t *)&ship->poll, NULL);
    uv_close((uv_handle_t *)&ship->drain, NULL);
}

void
ship_free(struct ship *ship)
{
    if (!ship)
        return;
    spool_reader_free(ship->reader);
    dead_letter_close(ship->world.dead);
    gzip_free(ship->world.gzip);
    tally_close(ship->tally);
    free(ship);
}
