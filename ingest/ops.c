#include "ingest/ops.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "ingest/activity.h"
#include "ingest/admin.h"
#include "ingest/app.h"
#include "ingest/exchange.h"
#include "ingest/last_entries.h"
#include "ingest/ops_files.h"
#include "ingest/params.h"
#include "ingest/refusals.h"
#include "ingest/router.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    ANSWER_MAX = 1024 * 1024,
    ENTRIES_USUAL = 50,
};

/* What the page may do: its own files and its own figures, and no text that
 * becomes markup, wherever in a script it was tried. */
static const char page_headers[] =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

/* Nothing of what is told here is for another page to read. */
static const char figures_headers[] =
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

static const struct admin *
admin_of(const struct exchange *exchange)
{
    return ((struct app *)exchange->app)->admin;
}

static void
reply(struct exchange *exchange, const struct buf *body)
{
    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = 200,
                                 .type = "application/json",
                                 .headers = figures_headers,
                                 .body = {body->data, body->len},
                             });
}

void
ops_file(struct exchange *exchange)
{
    size_t i = 0;

    while (i < ops_file_count &&
           !slice_is(exchange->head->path, ops_files[i].path))
        i++;
    assert(i < ops_file_count); /* the router has a row for each */
    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = 200,
                                 .type = ops_files[i].type,
                                 .headers = page_headers,
                                 .body = {(const char *)ops_files[i].bytes,
                                          ops_files[i].len},
                             });
}

void
ops_live(struct exchange *exchange)
{
    const struct admin *admin = admin_of(exchange);
    const struct app *app = admin->app;
    int64_t now_us = clock_mono_us();
    char now[TIMEFMT_SIZE];
    struct buf body;

    timefmt_rfc3339(now, clock_wall_ms());
    buf_init(&body, ANSWER_MAX);
    (void)buf_printf(&body,
                     "{\"time\":\"%s\",\"version\":\"%s\","
                     "\"uptimeSeconds\":%" PRId64
                     ",\"pricePerGib\":%.6g,\"maxUnshippedBytes\":%" PRIu64 ",",
                     now, CLICKSPOOL_VERSION,
                     (now_us - admin->started_us) / 1000000,
                     admin->settings->shipper.price_per_gib,
                     app->room.max_unshipped);
    activity_write(&body, app->activity, &app->counters);
    (void)buf_puts(&body, ",\"refused\":");
    refusals_write_codes(&body, app->refusals, now_us);
    (void)buf_puts(&body, "}\n");
    reply(exchange, &body);
    buf_deinit(&body);
}

void
ops_refused(struct exchange *exchange)
{
    const struct app *app = exchange->app;
    struct buf body;

    buf_init(&body, ANSWER_MAX);
    refusals_write(&body, app->refusals);
    reply(exchange, &body);
    buf_deinit(&body);
}

/* Values that a wish borrows. */
struct wish_text {
    struct param event, category, client, session;
};

static bool
take_param(struct last_entries_wish *wish, struct wish_text *text,
           const struct param *param)
{
    const struct {
        const char *name;
        struct param *text;
        struct slice *wish;
    } filters[] = {
        {"event", &text->event, &wish->event},
        {"category", &text->category, &wish->category},
        {"client", &text->client, &wish->client},
        {"session", &text->session, &wish->session},
    };

    if (slice_is(param->name, "n"))
        return params_count(param, LAST_ENTRIES_MAX, &wish->most);
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        if (!slice_is(param->name, filters[i].name))
            continue;
        *filters[i].text = *param;
        /* An empty field of a form is no filter. */
        *filters[i].wish =
            (struct slice){param->len ? filters[i].text->value : NULL,
                           param->len};
        return true;
    }
    return false;
}

static bool
read_wish(struct last_entries_wish *wish, struct wish_text *text,
          struct slice query)
{
    struct param param;
    int r;

    while ((r = params_next(&query, &param)) > 0)
        if (!take_param(wish, text, &param))
            return false;
    return r == 0;
}

void
ops_entries(struct exchange *exchange)
{
    const struct admin *admin = admin_of(exchange);
    struct last_entries_wish wish = {.most = ENTRIES_USUAL};
    struct wish_text text;
    struct buf body;

    if (!read_wish(&wish, &text, exchange->head->query)) {
        exchange_problem(exchange, PROBLEM_INVALID_REQUEST,
                         "Ask for n (1 to 200), event, category, client and "
                         "session, each of up to 128 characters.",
                         (struct slice){NULL, 0}, NULL);
        return;
    }
    buf_init(&body, ANSWER_MAX);
    last_entries_write(&body, admin->dirfd, admin->synced, &wish);
    reply(exchange, &body);
    buf_deinit(&body);
}

void
ops_look(const struct admin *admin)
{
    const struct counters *counters = &admin->app->counters;
    struct commit_stats stats;
    size_t events = 0;

    while (strcmp(router_path(events), "/events"))
        events++;
    commit_stats_read(admin->commit, &stats);
    activity_look(admin->app->activity,
                  &(struct activity_totals){
                      .accepted = admin->app->accepted,
                      .refused = refusals_count(admin->app->refusals),
                      .duplicates = counters->duplicates,
                      .commit_us = &stats.commit_us,
                      .request_us = &counters->seconds[events],
                  },
                  clock_mono_us());
}
