#include "common/ask.h"
#include "common/fileio.h"
#include "common/issuer.h"
#include "common/log.h"
#include "common/program.h"
#include "common/service.h"
#include "common/spool.h"
#include "shipper/aws.h"
#include "shipper/broker.h"
#include "shipper/cloud.h"
#include "shipper/cwlogs.h"
#include "shipper/figures.h"
#include "shipper/jwks_fetch.h"
#include "shipper/route.h"
#include "shipper/secrets.h"
#include "shipper/ship.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

enum { TELL_MS = 1000 };

struct shipper {
    const char *config;
    struct settings *settings;
    int dirfd, lockfd;
    struct cloud cloud;
    struct secrets *secrets;
    struct jwks_fetch *jwks;
    struct broker *broker;
    struct ship *ship;
    struct service service;
    uv_timer_t tell;
    bool reloaded; /* the last reload was good, or there was none */
    uv_loop_t loop;
};

static void
check(struct settings *settings)
{
    int64_t days = settings->shipper.retention_days;

    aws_check(settings);
    issuer_check(settings);
    secrets_check(settings);
    ask_check(settings);
    route_check(settings);
    if (days && !cwlogs_retention_ok(days))
        settings_complain(settings, "shipper.retention_days",
                          "CloudWatch has no retention of %d days: give 1, 3, "
                          "5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, "
                          "545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or "
                          "3653",
                          (int)days);
}

static int
open_folder(struct shipper *shipper)
{
    const char *dir = shipper->settings->spool.dir;

    shipper->dirfd = fileio_open_dir(dir);
    if (shipper->dirfd < 0) {
        log_error("spool_unusable", log_text("dir", dir),
                  log_errno(shipper->dirfd), );
        return EX_IOERR;
    }
    shipper->lockfd = fileio_lock(shipper->dirfd, SPOOL_SHIPPER_LOCK);
    if (shipper->lockfd < 0) {
        log_error("spool_locked", log_text("dir", dir),
                  log_errno(shipper->lockfd), );
        return shipper->lockfd == -EAGAIN ? EX_TEMPFAIL : EX_IOERR;
    }
    return EX_OK;
}

/* The log's level is what shipper can change while it runs. */
static void
on_reload(void *owner)
{
    struct shipper *shipper = owner;
    struct settings fresh;

    service_reloading(&shipper->service);
    shipper->reloaded =
        program_reload(check, shipper->config, shipper->settings, &fresh) == 0;
    if (shipper->reloaded) {
        log_setup((enum log_level)fresh.log.level,
                  (enum log_format)fresh.log.format);
        shipper->settings->log.level = fresh.log.level;
        settings_free(&fresh);
        log_notice("reloaded", log_text("config", shipper->config), );
    }
    service_ready(&shipper->service);
}

static void
close_loop(struct shipper *shipper)
{
    ship_close(shipper->ship);
    broker_close(shipper->broker);
    jwks_fetch_close(shipper->jwks);
    secrets_close(shipper->secrets);
    cloud_close(&shipper->cloud);
    uv_close((uv_handle_t *)&shipper->tell, NULL);
    service_close(&shipper->service);
}

static void
on_drained(void *owner)
{
    struct shipper *shipper = owner;

    log_notice("stopped", log_text("state", ship_summary(shipper->ship)), );
    close_loop(shipper);
}

static void
on_stop(void *owner)
{
    struct shipper *shipper = owner;

    log_notice("draining", );
    ship_drain(shipper->ship, on_drained, shipper);
}

static void
on_tell(uv_timer_t *timer)
{
    struct shipper *shipper = timer->data;

    struct figures_facts facts = {
        .cloud = &shipper->cloud,
        .secrets = shipper->secrets,
        .reloaded = shipper->reloaded,
    };

    service_status(&shipper->service, "%s", ship_summary(shipper->ship));
    ship_figures(shipper->ship, &facts);
    /* Whoever looks sees by its age that it could not be written. */
    (void)figures_write(shipper->dirfd, &facts);
}

/* What talks to the world, what ships, and what answers from both. */
static int
open_parts(struct shipper *shipper)
{
    struct cloud *cloud = &shipper->cloud;
    int r;

    r = cloud_open(cloud, &shipper->loop, shipper->settings);
    if (!r)
        r = secrets_new(&shipper->secrets, cloud);
    if (!r)
        r = jwks_fetch_new(&shipper->jwks, cloud);
    if (!r)
        r = ship_new(&shipper->ship, &shipper->loop, shipper->settings,
                     shipper->dirfd, cloud->aws);
    if (!r)
        r = broker_new(&shipper->broker,
                       &(struct broker_sources){cloud, shipper->secrets,
                                                shipper->jwks, shipper->ship});
    return r;
}

static int
open_loop(struct shipper *shipper)
{
    int r;

    r = uv_loop_init(&shipper->loop);
    if (!r)
        r = uv_timer_init(&shipper->loop, &shipper->tell);
    if (!r)
        r = service_start(&shipper->service, &shipper->loop, shipper, on_reload,
                          on_stop);
    if (!r)
        r = uv_timer_start(&shipper->tell, on_tell, TELL_MS, TELL_MS);
    shipper->tell.data = shipper;
    if (r) {
        log_error("start_failed", log_errno(r), );
        return EX_OSERR;
    }
    r = open_parts(shipper);
    if (!r)
        return EX_OK;
    close_loop(shipper);
    (void)uv_run(&shipper->loop, UV_RUN_DEFAULT);
    return r == -EPROTO ? EX_CONFIG : EX_IOERR;
}

static int
run(struct settings *settings, const char *config)
{
    static struct shipper shipper = {.dirfd = -1, .lockfd = -1};
    int code;

    shipper.settings = settings;
    shipper.reloaded = true;
    shipper.config = config;
    code = open_folder(&shipper);
    if (!code)
        code = open_loop(&shipper);
    if (!code) {
        log_notice("shipping", log_text("spool", settings->spool.dir),
                   log_text("group", settings->shipper.log_group), );
        service_ready(&shipper.service);
        (void)uv_run(&shipper.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&shipper.loop);
    }
    ship_free(shipper.ship);
    if (shipper.lockfd >= 0)
        (void)close(shipper.lockfd);
    if (shipper.dirfd >= 0)
        (void)close(shipper.dirfd);
    return code;
}

int
main(int argc, char **argv)
{
    static const struct program program = {
        .name = "clickspool-shipper",
        .about = "Delivers the spool to CloudWatch Logs.",
        .check = check,
        .run = run,
    };

    return program_main(&program, argc, argv);
}
