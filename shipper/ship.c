#include "shipper/ship_inner.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/gzip.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/dead_letter.h"
#include "shipper/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    POLL_MS = 100, /* how often the published end is looked at */
    SECOND_TICKS = 1000 / POLL_MS,
    SWEEP_SECONDS = 5,
    DRAIN_MS = 8000, /* of the 10 s that a stop may take */
};

/* Told when it begins and when it ends, not each time. */
static void
note_read_error(void *owner, bool retry, int error)
{
    struct ship *ship = owner;

    if (error == ship->read_errors[retry])
        return;
    if (error)
        log_error("spool_unreadable",
                  log_text("cause", error == SPOOL_UNKNOWN
                                        ? "a version that is not known"
                                        : strerror(-error)),
                  log_text("next", "it is tried again each second"), );
    else
        log_notice("spool_readable", );
    ship->read_errors[retry] = error;
}

/* Return: 0 when the run is durable among the dead letters. */
static int
bury_bad(void *owner, const struct spool_item *item)
{
    struct ship *ship = owner;
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

static int
save(struct ship *ship)
{
    struct stream *streams[2 * LANE_STREAMS_MAX];
    size_t count = lane_streams(ship->spool, streams);

    count += lane_streams(ship->retry, streams + count);
    return tally_save(ship->tally, &(struct tally_now){
                                       .position = lane_position(ship->spool),
                                       .retry = lane_position(ship->retry),
                                       .streams = streams,
                                       .stream_count = count,
                                   });
}

/* Return: CloudWatch's own time, as far as it is known. */
static int64_t
now_there(const struct ship *ship)
{
    int64_t age_ms;

    return clock_wall_ms() + aws_clock_offset_ms(ship->world.aws, &age_ms);
}

static struct heartbeat_facts
heartbeat_facts(const struct ship *ship, const struct checkpoint_counts *counts)
{
    return (struct heartbeat_facts){
        .end = lane_end(ship->spool),
        .read = lane_read(ship->spool),
        .retry = lane_read(ship->retry),
        .unsettled = lane_unsettled(ship->spool) + lane_unsettled(ship->retry),
        .counts = counts,
        .lag_bytes = lane_lag(ship->spool),
        .now_ms = now_there(ship),
    };
}

/* Between two batches, so that a backlog does not silence it. */
static void
beat(struct ship *ship)
{
    struct checkpoint_counts counts = tally_counts(ship->tally);
    struct slice category = {"clickspool", strlen("clickspool")};
    struct heartbeat_facts facts;
    struct route_key key;
    struct stream *stream;

    if (ship->draining || !heartbeat_is_due(&ship->heartbeat))
        return;
    key = route_for(&ship->route, category, now_there(ship));
    stream = lane_stream(ship->spool, &key);
    facts = heartbeat_facts(ship, &counts);
    if (stream && !lane_is_busy_with(ship->retry, stream))
        heartbeat_say(&ship->heartbeat, stream, &facts);
}

static void
on_said(void *owner, struct stream *stream, bool taken)
{
    struct ship *ship = owner;

    (void)stream;
    heartbeat_said(&ship->heartbeat, taken);
}

static void
pump(struct ship *ship)
{
    bool now = ship->draining || ship->hurry;

    stream_set_clock(&ship->world);
    if (!ship->draining) {
        lane_fill(ship->spool, ship->thorough);
        lane_fill(ship->retry, ship->thorough);
        ship->thorough = false;
    }
    beat(ship);
    lane_poke(ship->spool, ship->retry, now);
    lane_poke(ship->retry, ship->spool, now);
}

/* What is sent again by an operator is in no other count. */
static void
on_settled(void *owner, struct stream *stream, uint64_t delivered,
           uint64_t dead)
{
    struct ship *ship = owner;
    struct checkpoint_counts counts = {.delivered = delivered, .dead = dead};

    if (!retry_files_bury(&ship->files, stream_position(stream).segment))
        counts = (struct checkpoint_counts){.replayed = delivered};
    tally_add(ship->tally, &counts);
    pump(ship);
    (void)save(ship); /* where pump() sent nothing */
}

/* One write serves the batch that is done with and the next one. */
static void
on_sending(void *owner, struct stream *stream)
{
    (void)stream;
    (void)save(owner);
}

static bool
buries(void *owner, uint64_t segment)
{
    return retry_files_bury(&((struct ship *)owner)->files, segment);
}

static bool
may_read(void *owner, const struct spool_item *item)
{
    return retry_files_may_read(&((struct ship *)owner)->files, item->position);
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
    (void)save(ship);
    ship_tell(ship);
    drained(ship->drained_owner);
}

static void
each_second(struct ship *ship)
{
    struct checkpoint_counts counts = tally_counts(ship->tally);
    struct heartbeat_facts facts = heartbeat_facts(ship, &counts);

    heartbeat_follow(&ship->heartbeat, &facts);
    lane_tidy(ship->spool);
    lane_tidy(ship->retry);
    (void)save(ship);
    ship_tell(ship);
    if (ship->ticks % (SECOND_TICKS * SWEEP_SECONDS))
        return;
    retention_sweep(ship->dirfd, ship->settings, ship->world.dead,
                    tally_durable(ship->tally), clock_wall_ms());
    retry_files_sweep(&ship->files, tally_durable_retry(ship->tally));
    dead_letter_tidy(ship->world.dead, lane_lowest(ship->spool));
}

static void
on_poll(uv_timer_t *timer)
{
    struct ship *ship = timer->data;
    bool second = ++ship->ticks % SECOND_TICKS == 0;

    ship->thorough |= second;
    pump(ship);
    if (ship->draining && lane_stuck(ship->spool) && lane_stuck(ship->retry))
        finish_drain(ship);
    else if (second && !ship->draining)
        each_second(ship);
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

/* The checkpoint is gone, or older than what its shipper knew: an old copy was
 * put back, or the disk took no new one. */
static bool
has_lost_progress(const struct ship *ship)
{
    return tally_is_lost(ship->tally) ||
           spool_position_compare(ship->status.position,
                                  tally_durable(ship->tally)) > 0;
}

static int
open_lanes(struct ship *ship)
{
    struct lane_sources sources = {
        .world = &ship->world,
        .route = &ship->route,
        .tally = ship->tally,
        .sent_lately = has_lost_progress(ship) && ended_lately(ship),
        .bad = bury_bad,
        .read = note_read_error,
        .may_read = may_read,
        .owner = ship,
    };
    int r = lane_new(&ship->spool, &sources);

    sources.retry = true;
    return r ? r : lane_new(&ship->retry, &sources);
}

static int
open_parts(struct ship *ship)
{
    int level = (int)ship->settings->shipper.gzip_level;
    int r;

    route_init(&ship->route, ship->settings);
    heartbeat_init(&ship->heartbeat, ship->dirfd,
                   ship->settings->shipper.heartbeat);
    status_restore(&ship->status, ship->dirfd);
    ship->hurry = faccessat(ship->dirfd, SPOOL_DRAINING, F_OK, 0) == 0;
    r = tally_open(&ship->tally, ship->dirfd);
    if (!r)
        r = dead_letter_open(&ship->world.dead, ship->dirfd,
                             (uint64_t)ship->settings->shipper.dead_max_size,
                             tally_durable(ship->tally));
    if (!r)
        r = retry_files_open(&ship->files, ship->dirfd, ship->tally,
                             ship->world.dead);
    if (!r && level)
        r = gzip_new(&ship->world.gzip, level);
    if (!r)
        r = open_lanes(ship);
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
        .said = on_said,
        .buries = buries,
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

int
ship_take(struct ship *ship, const char *name, uint64_t *number)
{
    int r = retry_files_take(&ship->files, name, number);

    if (r)
        return r;
    ship->thorough = true;
    return save(ship);
}

int
ship_hold_door(struct ship *ship, bool closed)
{
    int fd, r = 0;

    if (closed) {
        fd = fileio_open(ship->dirfd, SPOOL_DRAINING, O_WRONLY | O_CREAT);
        if (fd < 0)
            return fd;
        (void)close(fd);
        r = fileio_sync(ship->dirfd);
    } else if (unlinkat(ship->dirfd, SPOOL_DRAINING, 0) < 0 &&
               errno != ENOENT) {
        r = -errno;
    }
    if (r)
        return r;
    ship->hurry = closed;
    log_notice(closed ? "drain_begun" : "drain_ended", );
    return 0;
}

void
ship_close(struct ship *ship)
{
    if (!ship)
        return;
    lane_close(ship->spool);
    lane_close(ship->retry);
    uv_close((uv_handle_t *)&ship->poll, NULL);
    uv_close((uv_handle_t *)&ship->drain, NULL);
}

void
ship_free(struct ship *ship)
{
    if (!ship)
        return;
    lane_free(ship->spool);
    lane_free(ship->retry);
    dead_letter_close(ship->world.dead);
    gzip_free(ship->world.gzip);
    tally_close(ship->tally);
    free(ship);
}
