#include "ingest/admin.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/metrics.h"
#include "common/settings.h"
#include "common/spool.h"
#include "common/timefmt.h"
#include "ingest/admin_look.h"
#include "ingest/app.h"
#include "ingest/exchange.h"
#include "ingest/keeper.h"
#include "ingest/server.h"
#include "ingest/tls.h"
#include "ingest/upload_key.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

#define DAY_MS (24 * 60 * 60 * 1000LL)

static const struct admin *
admin_of(const struct exchange *exchange)
{
    return ((struct app *)exchange->app)->admin;
}

static void
reply(struct exchange *exchange, int status, const char *type,
      const struct buf *body)
{
    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = status,
                                 .type = type,
                                 .headers = "Cache-Control: no-store\r\n",
                                 .body = {body->data, body->len},
                             });
}

/* The checks of /readyz, written as they are made. */
struct checks {
    struct buf *out;
    bool failed, warned;
    bool any;
};

enum check { CHECK_PASS, CHECK_WARN, CHECK_FAIL };

static void
add_check(struct checks *checks, const char *name, enum check check,
          bool decides, const char *output)
{
    static const char *const words[] = {"pass", "warn", "fail"};

    (void)buf_printf(checks->out, "%s\"%s\":[{\"status\":\"%s\"",
                     checks->any ? "," : "", name, words[check]);
    if (check) {
        (void)buf_puts(checks->out, ",\"output\":");
        json_string(checks->out, output);
    }
    (void)buf_puts(checks->out, "}]");
    checks->any = true;
    checks->failed |= check == CHECK_FAIL && decides;
    checks->warned |= check != CHECK_PASS;
}

/* What keeps the spool from taking an entry. */
static void
check_spool(struct checks *checks, const struct admin *admin)
{
    const struct app *app = admin->app;
    int64_t since_ms = (clock_mono_us() - app->failed_us) / 1000;
    bool failing = app->failed_us && since_ms < ADMIN_FAILED_MS;

    add_check(checks, "spool:room", app->room.full ? CHECK_FAIL : CHECK_PASS,
              true, app->room.full);
    add_check(checks, "spool:commits", failing ? CHECK_FAIL : CHECK_PASS, true,
              "entries could not be written in the last ten seconds");
    add_check(checks, "ingest:draining",
              admin->server->draining ? CHECK_FAIL : CHECK_PASS, true,
              "ingest is about to stop");
}

static void
check_outside(struct checks *checks, const struct admin *admin)
{
    const struct settings *settings = admin->settings;
    bool auth = *settings->auth.user_pool_id || *settings->auth.issuer;
    const struct tls_context *tls = admin->server->tls;
    const struct upload_key *key;
    const char *why;

    add_check(checks, "broker:connection",
              keeper_is_up(admin->keeper) ? CHECK_PASS : CHECK_WARN, false,
              "shipper does not answer; what is known is used meanwhile");
    if (auth)
        add_check(checks, "auth:keys",
                  keeper_jwks(admin->keeper) ? CHECK_PASS : CHECK_WARN, false,
                  "there are no keys: tokens are answered 503");
    key = keeper_upload_key(admin->keeper, &why);
    add_check(checks, "uploads:key", key ? CHECK_PASS : CHECK_WARN, false, why);
    if (tls)
        add_check(checks, "tls:certificate",
                  tls_not_after_ms(tls) - clock_wall_ms() <
                          ADMIN_CERTIFICATE_DAYS * DAY_MS
                      ? CHECK_WARN
                      : CHECK_PASS,
                  false, "the certificate ends soon, or has ended");
}

/* Shipper's health is its backlog's, whatever the process does. */
static void
check_shipper(struct checks *checks, const struct admin *admin)
{
    struct admin_spool spool;
    struct admin_file status;
    cJSON *told = NULL;
    const char *success;
    int64_t last_ms = 0, now_ms = clock_wall_ms();
    bool away, stuck;

    admin_look_spool(&spool, admin->dirfd);
    admin_look_file(&status, admin->dirfd, SPOOL_STATUS);
    if (status.text)
        told = json_parse(status.text, status.len);
    success = json_get_string(told, "lastSuccessAt");
    if (success)
        (void)timefmt_parse(success, strlen(success), &last_ms);
    away = !status.text || status.age_s > ADMIN_AWAY_S;
    stuck = spool.oldest_ms &&
            now_ms - spool.oldest_ms > ADMIN_STUCK_S * 1000LL &&
            now_ms - last_ms > ADMIN_STUCK_S * 1000LL;
    add_check(checks, "shipper:process", away ? CHECK_WARN : CHECK_PASS, false,
              "shipper has not told its status for a while");
    add_check(checks, "shipper:backlog", stuck ? CHECK_FAIL : CHECK_PASS, false,
              "entries wait, and none was delivered for five minutes");
    cJSON_Delete(told);
    free(status.text);
}

void
admin_ready(struct exchange *exchange)
{
    const struct admin *admin = admin_of(exchange);
    struct checks checks = {0};
    struct buf body, list;

    buf_init(&body, ANSWER_MAX);
    buf_init(&list, ANSWER_MAX);
    checks.out = &list;
    check_spool(&checks, admin);
    check_outside(&checks, admin);
    check_shipper(&checks, admin);
    (void)buf_printf(&body,
                     "{\"status\":\"%s\",\"version\":\"%s\",\"checks\":{",
                     checks.failed   ? "fail"
                     : checks.warned ? "warn"
                                     : "pass",
                     CLICKSPOOL_VERSION);
    (void)buf_append(&body, list.data, list.len);
    (void)buf_puts(&body, "}}\n");
    reply(exchange, checks.failed ? 503 : 200, "application/health+json",
          &body);
    buf_deinit(&list);
    buf_deinit(&body);
}

static void
gauge(struct buf *out, const char *name, const char *help, double value)
{
    metrics_family(out, name, "gauge", help);
    metrics_number(out, name, "", value);
}

static void
write_spool(struct buf *out, const struct admin *admin)
{
    const struct app *app = admin->app;
    struct commit_stats stats;
    struct admin_spool spool;

    admin_look_spool(&spool, admin->dirfd);
    commit_stats_read(admin->commit, &stats);
    metrics_family(out, "spool_commit_duration_seconds", "histogram",
                   "Write and sync of a group of entries.");
    metrics_histogram(out, "spool_commit_duration_seconds", "",
                      &stats.commit_us, 1e-6);
    metrics_family(out, "spool_sync_duration_seconds", "histogram",
                   "fdatasync() alone.");
    metrics_histogram(out, "spool_sync_duration_seconds", "", &stats.sync_us,
                      1e-6);
    metrics_family(out, "spool_commit_entries", "histogram",
                   "Entries of a commit.");
    metrics_histogram(out, "spool_commit_entries", "", &stats.entries, 1);
    metrics_family(out, "spool_errors_total", "counter",
                   "Writes to the spool that failed.");
    metrics_count(out, "spool_errors_total", "op=\"commit\"", stats.errors);
    gauge(out, "spool_bytes", "Size of all segments.", (double)spool.bytes);
    gauge(out, "spool_limit_bytes", "Unshipped bytes past which it is full.",
          (double)app->room.max_unshipped);
    gauge(out, "spool_unshipped_bytes", "Bytes that shipper has not passed.",
          (double)spool.unshipped);
    gauge(out, "spool_segments", "Segments there are.", (double)spool.segments);
    gauge(out, "spool_oldest_unshipped_timestamp_seconds",
          "Receive time of the oldest of them; 0: there is none.",
          (double)spool.oldest_ms / 1000);
}

static void
write_state(struct buf *out, const struct admin *admin)
{
    const struct tls_context *tls = admin->server->tls;
    int64_t keys_ms = keeper_jwks_time(admin->keeper);

    gauge(out, "http_connections", "Connections that are open.",
          (double)server_open_count(admin->server));
    gauge(out, "keys_age_seconds",
          "Since the issuer's keys were fetched; 0: there are none.",
          keys_ms ? (double)(clock_wall_ms() - keys_ms) / 1000 : 0);
    gauge(out, "tls_certificate_not_after_timestamp_seconds",
          "End of the certificate; 0: there is none.",
          tls ? (double)tls_not_after_ms(tls) / 1000 : 0);
}

void
admin_metrics(struct exchange *exchange)
{
    const struct admin *admin = admin_of(exchange);
    const struct metrics_self self = {"ingest", admin->reloaded};
    struct admin_file shipper;
    struct slice other;
    struct buf body;

    admin_look_file(&shipper, admin->dirfd, SPOOL_METRICS);
    other = (struct slice){shipper.text, shipper.len};
    buf_init(&body, ANSWER_MAX);
    counters_write(&body, &admin->app->counters);
    write_state(&body, admin);
    write_spool(&body, admin);
    gauge(&body, "shipper_up", "Whether shipper has told its figures lately.",
          shipper.text && shipper.age_s <= ADMIN_AWAY_S);
    metrics_both(&body, &self, other);
    metrics_rest(&body, other);
    reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    buf_deinit(&body);
    free(shipper.text);
}

static void
write_commits(struct buf *out, const struct admin *admin)
{
    struct commit_stats stats;

    commit_stats_read(admin->commit, &stats);
    (void)buf_printf(out,
                     ",\"commits\":{\"count\":%" PRIu64 ",\"failed\":%" PRIu64
                     ",\"p50Us\":%" PRIu64 ",\"p99Us\":%" PRIu64
                     ",\"syncP99Us\":%" PRIu64 "}",
                     stats.commit_us.count, stats.errors,
                     histogram_quantile(&stats.commit_us, 0.5),
                     histogram_quantile(&stats.commit_us, 0.99),
                     histogram_quantile(&stats.sync_us, 0.99));
}

void
admin_status(struct exchange *exchange)
{
    const struct admin *admin = admin_of(exchange);
    const struct app *app = admin->app;
    struct admin_file shipper;
    struct admin_spool spool;
    const char *why;
    struct buf body;

    admin_look_spool(&spool, admin->dirfd);
    admin_look_file(&shipper, admin->dirfd, SPOOL_STATUS);
    buf_init(&body, ANSWER_MAX);
    (void)buf_printf(&body,
                     "{\"version\":\"%s\",\"uptimeSeconds\":%" PRId64
                     ",\"connections\":%zu,\"accepted\":%" PRIu64
                     ",\"duplicates\":%" PRIu64 ",\"spool\":{\"full\":",
                     CLICKSPOOL_VERSION,
                     (clock_mono_us() - admin->started_us) / 1000000,
                     server_open_count(admin->server), app->accepted,
                     app->counters.duplicates);
    json_string(&body, app->room.full);
    (void)buf_printf(&body,
                     ",\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64
                     ",\"unshippedBytes\":%" PRIu64 "}",
                     spool.segments, spool.bytes, spool.unshipped);
    write_commits(&body, admin);
    (void)buf_printf(&body,
                     ",\"broker\":%s,\"keys\":%s,\"uploads\":%s,\"shipper\":",
                     keeper_is_up(admin->keeper) ? "true" : "false",
                     keeper_jwks(admin->keeper) ? "true" : "false",
                     keeper_upload_key(admin->keeper, &why) ? "true" : "false");
    (void)buf_append(&body, shipper.text ? shipper.text : "null",
                     shipper.text ? shipper.len : 4);
    (void)buf_puts(&body, "}\n");
    reply(exchange, 200, "application/json", &body);
    buf_deinit(&body);
    free(shipper.text);
}
