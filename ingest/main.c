#include "common/ask.h"
#include "common/clock.h"
#include "common/fileio.h"
#include "common/log.h"
#include "common/program.h"
#include "common/service.h"
#include "common/spool.h"
#include "common/synced.h"
#include "ingest/admin.h"
#include "ingest/app.h"
#include "ingest/auth.h"
#include "ingest/ids.h"
#include "ingest/keeper.h"
#include "ingest/listeners.h"
#include "ingest/ops.h"
#include "ingest/policy.h"
#include "ingest/rate.h"
#include "ingest/refusals.h"
#include "ingest/router.h"
#include "ingest/seen.h"
#include "ingest/server.h"
#include "ingest/spool_writer.h"
#include "ingest/takeover.h"
#include "ingest/tls.h"
#include "ingest/uploads.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    DRAIN_MS = 8000, /* then what is still open is closed: 10 s in all */
    LOOK_MS = 1000,
    SETTLE_MS = 5,
    RATE_ADDRESSES = 64 * 1024,
};

struct ingest {
    const char *config;
    struct settings *settings;
    int dirfd, lockfd;
    int statefd; /* of state_dir; -1: there is none */
    struct keeper *keeper;
    struct synced *synced;
    struct spool_writer *writer;
    struct commit_stats stats;
    struct commit *commit;
    struct app app;
    struct admin admin;
    struct server server;
    struct service service;
    uv_loop_t loop;
    uv_timer_t look, drain;
};

static void
check(struct settings *settings)
{
    struct policy *policy = NULL;
    struct tls_context *tls;

    if (tls_context_load(&tls, settings) == 0)
        tls_context_free(tls);
    listeners_check(settings);
    ask_check(settings);
    if (!*settings->auth.user_pool_id && !*settings->auth.issuer)
        settings_warn(settings, "auth.user_pool_id",
                      "without an issuer no token is taken: each is 401");
    if (policy_new(&policy, settings) == 0)
        policy_release(policy);
}

/* The lock is held before anything in the folder is believed. */
static int
open_folder(struct ingest *ingest)
{
    const char *dir = ingest->settings->spool.dir;

    ingest->dirfd = fileio_open_dir(dir);
    if (ingest->dirfd < 0) {
        log_error("spool_unusable", log_text("dir", dir),
                  log_errno(ingest->dirfd), );
        return EX_IOERR;
    }
    ingest->lockfd = fileio_lock(ingest->dirfd, SPOOL_INGEST_LOCK);
    if (ingest->lockfd < 0) {
        log_error("spool_locked", log_text("dir", dir),
                  log_errno(ingest->lockfd), );
        return ingest->lockfd == -EAGAIN ? EX_TEMPFAIL : EX_IOERR;
    }
    return EX_OK;
}

/* Without it keys are not kept over a restart, and uploads are not signed. */
static void
open_state(struct ingest *ingest)
{
    const char *dir = ingest->settings->spool.state_dir;

    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        ingest->statefd = -errno;
    else
        ingest->statefd = fileio_open_dir(dir);
    if (ingest->statefd < 0) {
        log_warning("state_dir_unusable", log_text("dir", dir),
                    log_errno(ingest->statefd), );
        ingest->statefd = -1;
    }
}

/* The window goes on at the newest entry's time, or now where that is still
 * to come: so a clock that is wrong at the start, either way, forgets none. */
static int
open_window(struct ingest *ingest, const struct spool_writer_start *start,
            int64_t now_ms)
{
    if (start->last_ts && start->last_ts < now_ms)
        now_ms = start->last_ts;
    app_window_begin(&ingest->app, now_ms / 1000);
    return takeover_read_ids(ingest->dirfd, start, ingest->app.seen, now_ms);
}

static int
open_spool(struct ingest *ingest)
{
    const struct settings *settings = ingest->settings;
    int64_t now_ms = clock_wall_ms();
    struct spool_writer_start start;
    uint8_t key[16];
    int r;

    ids_random(key, sizeof(key));
    ingest->app.seen = seen_new(key);
    r = ingest->app.seen ? synced_create(&ingest->synced, ingest->dirfd)
                         : -ENOMEM;
    if (!r)
        r = takeover_find(ingest->dirfd, ingest->synced, &start);
    if (!r)
        r = open_window(ingest, &start, now_ms);
    if (!r)
        r = spool_writer_open(&ingest->writer,
                              &(struct spool_writer_options){
                                  .dirfd = ingest->dirfd,
                                  .synced = ingest->synced,
                                  .segment_size =
                                      (uint64_t)settings->spool.segment_size,
                                  .segment_age_us =
                                      settings->spool.segment_age * 1000,
                                  .sync_us = &ingest->stats.sync_us,
                              },
                              &start, now_ms, clock_mono_us());
    if (!r)
        r = commit_new(&ingest->commit, ingest->writer, &ingest->stats);
    if (!r)
        return EX_OK;

    log_error("spool_unusable", log_text("dir", settings->spool.dir),
              log_errno(r), );
    return r == -EPROTO ? EX_CONFIG : EX_IOERR;
}

static void
tell_status(struct ingest *ingest)
{
    const struct app *app = &ingest->app;

    service_status(&ingest->service,
                   "%zu connections; %" PRIu64 " entries taken%s",
                   server_open_count(&ingest->server), app->accepted,
                   app->room.full ? "; refusing more: there is no room" : "");
}

static void
on_look(uv_timer_t *timer)
{
    struct ingest *ingest = timer->data;

    room_look(&ingest->app.room);
    app_trim(&ingest->app);
    ops_look(&ingest->admin);
    tell_status(ingest);
}

/* All of the new settings come into force, or none. */
static bool
take_settings(struct ingest *ingest, struct settings *fresh)
{
    struct tls_context *tls = NULL;
    struct policy *policy = NULL;

    if (tls_context_load(&tls, fresh) < 0 || policy_new(&policy, fresh) < 0) {
        tls_context_free(tls);
        return false;
    }
    server_set_tls(&ingest->server, tls);
    server_set_policy(&ingest->server, policy);
    counters_catalog(&ingest->app.counters, policy->catalog);
    auth_rules_changed(ingest->app.auth);
    settings_free(ingest->settings);
    *ingest->settings = *fresh;
    log_setup((enum log_level)fresh->log.level,
              (enum log_format)fresh->log.format);
    return true;
}

static void
on_reload(void *owner)
{
    struct ingest *ingest = owner;
    struct settings fresh;

    service_reloading(&ingest->service);
    ingest->admin.reloaded = false;
    if (program_reload(check, ingest->config, ingest->settings, &fresh) == 0) {
        ingest->admin.reloaded = take_settings(ingest, &fresh);
        if (ingest->admin.reloaded)
            log_notice("reloaded", log_text("config", ingest->config), );
        else
            settings_free(&fresh);
    }
    service_ready(&ingest->service);
}

static void
close_loop(struct ingest *ingest)
{
    uv_close((uv_handle_t *)&ingest->drain, NULL);
    uv_close((uv_handle_t *)&ingest->look, NULL);
    keeper_close(ingest->keeper);
    service_close(&ingest->service);
    commit_port_close(&ingest->app.port);
    server_deinit(&ingest->server);
}

static void
on_settle(uv_timer_t *timer)
{
    struct ingest *ingest = timer->data;

    if (!ingest->app.port.pending)
        close_loop(ingest);
}

/* Every answer is out; what is still on its way to the disk are entries that
 * nobody waits for. */
static void
on_drained(struct server *server)
{
    struct ingest *ingest = server->app_owner;

    uploads_close(ingest->app.uploads);
    (void)uv_timer_start(&ingest->drain, on_settle, 0, SETTLE_MS);
}

static void
on_drain_end(uv_timer_t *timer)
{
    struct ingest *ingest = timer->data;

    log_warning("drain_cut_short",
                log_int("connections", (int64_t)ingest->server.connections), );
    server_close_all(&ingest->server);
}

static void
on_stop(void *owner)
{
    struct ingest *ingest = owner;

    log_notice("draining",
               log_int("connections", (int64_t)ingest->server.connections), );
    (void)uv_timer_start(&ingest->drain, on_drain_end, DRAIN_MS, 0);
    server_drain(&ingest->server, on_drained);
}

static void
on_keys_asked(void *owner)
{
    struct ingest *ingest = owner;

    auth_keys_changed(ingest->app.auth);
    server_unpark(&ingest->server);
}

/* Who is calling, and what shipper says of that. */
static int
open_auth(struct ingest *ingest)
{
    uint8_t key[16];
    int r;

    ids_random(key, sizeof(key));
    ingest->app.rate = rate_new(RATE_ADDRESSES, key);
    ingest->app.activity = activity_new(clock_mono_us());
    ingest->app.refusals = refusals_new();
    if (!ingest->app.rate || !ingest->app.activity || !ingest->app.refusals)
        return -ENOMEM;
    r = keeper_new(&ingest->keeper, &(struct keeper_options){
                                        .loop = &ingest->loop,
                                        .settings = ingest->settings,
                                        .state_dirfd = ingest->statefd,
                                        .keys_asked = on_keys_asked,
                                        .owner = ingest,
                                    });
    if (!r)
        r = auth_new(&ingest->app.auth, &ingest->app, ingest->keeper);
    if (!r)
        r = uploads_new(&ingest->app.uploads,
                        &(struct uploads_options){
                            .app = &ingest->app,
                            .keeper = ingest->keeper,
                            .loop = &ingest->loop,
                            .settings = ingest->settings,
                            .state_dirfd = ingest->statefd,
                        });
    return r;
}

static void
on_sent(const struct exchange *exchange, int status)
{
    struct app *app = exchange->app;

    counters_sent(&app->counters, exchange, status);
    refusals_answer(app->refusals, exchange);
}

static void
open_admin(struct ingest *ingest)
{
    ingest->admin = (struct admin){
        .app = &ingest->app,
        .server = &ingest->server,
        .commit = ingest->commit,
        .keeper = ingest->keeper,
        .settings = ingest->settings,
        .dirfd = ingest->dirfd,
        .synced = ingest->synced,
        .started_us = clock_mono_us(),
        .reloaded = true,
    };
    ingest->app.admin = &ingest->admin;
}

static int
open_loop(struct ingest *ingest)
{
    struct policy *policy = NULL;
    int r;

    r = uv_loop_init(&ingest->loop);
    if (!r)
        r = uv_timer_init(&ingest->loop, &ingest->look);
    if (!r)
        r = uv_timer_init(&ingest->loop, &ingest->drain);
    if (!r)
        r = commit_port_open(&ingest->app.port, ingest->commit, &ingest->loop);
    if (!r)
        r = tls_context_load(&ingest->server.tls, ingest->settings);
    if (!r)
        r = policy_new(&policy, ingest->settings);
    if (!r)
        r = open_auth(ingest);
    if (r) {
        policy_release(policy);
        log_error("start_failed", log_errno(r), );
        return EX_IOERR;
    }
    open_admin(ingest);
    counters_catalog(&ingest->app.counters, policy->catalog);
    ingest->server.sent = on_sent;
    ingest->look.data = ingest->drain.data = ingest;
    ingest->server.app = &ingest->app;
    ingest->server.app_owner = ingest;
    ingest->server.admit = router_admit;
    ingest->server.handle = router_handle;
    r = service_start(&ingest->service, &ingest->loop, ingest, on_reload,
                      on_stop);
    if (!r)
        r = server_open(&ingest->server, &ingest->loop, ingest->settings,
                        policy);
    if (!r)
        r = uv_timer_start(&ingest->look, on_look, LOOK_MS, LOOK_MS);
    return r ? EX_IOERR : EX_OK;
}

static void
log_stopped(const struct ingest *ingest)
{
    const struct commit_stats *stats = &ingest->stats;

    log_notice("stopped", log_int("commits", (int64_t)stats->commit_us.count),
               log_int("entries", (int64_t)stats->entries.sum),
               log_int("commit_p50_us",
                       (int64_t)histogram_quantile(&stats->commit_us, 0.5)),
               log_int("commit_p99_us",
                       (int64_t)histogram_quantile(&stats->commit_us, 0.99)),
               log_int("sync_p50_us",
                       (int64_t)histogram_quantile(&stats->sync_us, 0.5)),
               log_int("sync_p99_us",
                       (int64_t)histogram_quantile(&stats->sync_us, 0.99)), );
}

static int
run(struct settings *settings, const char *config)
{
    static struct ingest ingest = {.dirfd = -1, .lockfd = -1, .statefd = -1};
    int code;

    ingest.settings = settings;
    ingest.config = config;
    app_init(&ingest.app, (size_t)settings->http.max_body);
    code = open_folder(&ingest);
    if (!code)
        open_state(&ingest);
    if (!code)
        code = open_spool(&ingest);
    if (!code) {
        room_init(&ingest.app.room, ingest.dirfd, settings);
        room_look(&ingest.app.room);
        code = open_loop(&ingest);
    }
    if (!code) {
        tell_status(&ingest);
        service_ready(&ingest.service);
        (void)uv_run(&ingest.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&ingest.loop);
    }

    commit_free(ingest.commit);
    spool_writer_close(ingest.writer);
    synced_close(ingest.synced);
    seen_free(ingest.app.seen);
    auth_free(ingest.app.auth);
    uploads_free(ingest.app.uploads);
    rate_free(ingest.app.rate);
    activity_free(ingest.app.activity);
    refusals_free(ingest.app.refusals);
    app_deinit(&ingest.app);
    if (!code)
        log_stopped(&ingest);
    if (ingest.lockfd >= 0)
        (void)close(ingest.lockfd);
    if (ingest.dirfd >= 0)
        (void)close(ingest.dirfd);
    if (ingest.statefd >= 0)
        (void)close(ingest.statefd);
    return code;
}

int
main(int argc, char **argv)
{
    static const struct program program = {
        .name = "clickspool-ingest",
        .about = "Takes events over HTTP and keeps them in the spool.",
        .check = check,
        .run = run,
    };

    return program_main(&program, argc, argv);
}
