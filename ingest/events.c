#include "ingest/events.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/line.h"
#include "ingest/app.h"
#include "ingest/body.h"
#include "ingest/event.h"
#include "ingest/exchange.h"
#include "ingest/ids.h"
#include "ingest/pending.h"
#include "ingest/policy.h"
#include "ingest/refusals.h"
#include "ingest/seen.h"
#include "ingest/tail.h"

#include <errno.h>

/* A request on its way through judgement. */
struct batch {
    struct app *app;
    struct exchange *exchange;
    enum body_form form;
    struct event_rules rules;
    struct event_server server;
    int64_t now_s;
    size_t items;
    size_t refused;
    const char *refused_code; /* of the last refused event */
    struct pending_ids ids;   /* in the app's memory */
};

enum problem
events_admit(const struct exchange *exchange)
{
    if (exchange->head->body == REQUEST_NO_BODY)
        return PROBLEM_LENGTH_REQUIRED;
    if (!body_type_ok(exchange))
        return PROBLEM_UNSUPPORTED_MEDIA_TYPE;
    return PROBLEM_NONE;
}

static void
add_error(struct batch *batch, const struct event_error *error,
          struct slice item)
{
    struct buf *errors = &batch->app->errors;

    (void)buf_printf(errors,
                     "%s{\"index\":%zu,\"pointer\":", batch->refused ? "," : "",
                     batch->items);
    json_string(errors, error->pointer);
    (void)buf_printf(errors, ",\"code\":\"%s\",\"detail\":", error->code);
    json_string(errors, error->detail);
    (void)buf_putc(errors, '}');
    counters_rejected(&batch->app->counters, error->code);
    refusals_event(batch->app->refusals, batch->exchange, error, item);
    batch->refused++;
    batch->refused_code = error->code;
}

/* The line stands in app->lines; whether it stays there is decided here. */
static void
take_made(struct batch *batch, const struct event_made *made)
{
    struct app *app = batch->app;
    const char *id = app->lines.data + made->at + LINE_ID_AT;

    (void)buf_puts(&app->ids, app->ids.len ? ",\"" : "\"");
    (void)buf_append(&app->ids, id, LINE_ID_LEN);
    (void)buf_putc(&app->ids, '"');
    if (seen_add(app->seen, made->id, batch->now_s)) {
        app->marks[batch->ids.taken_count] =
            activity_mark(app->activity, made->event, made->session);
        memcpy(app->taken[batch->ids.taken_count++], made->id, 16);
        return;
    }
    memcpy(app->known[batch->ids.known_count++], made->id, 16);
    buf_truncate(&app->lines, made->at);
}

static enum problem
broken(const struct event_error *error)
{
    if (!strcmp(error->code, "invalid_json"))
        return PROBLEM_INVALID_JSON;
    if (!strcmp(error->code, "invalid_utf8"))
        return PROBLEM_INVALID_UTF8;
    return PROBLEM_NONE;
}

/* What is wrong with one event; PROBLEM_NONE where others may still be good. */
static enum problem
refuse_item(struct batch *batch, const struct event_error *error,
            struct slice item)
{
    enum problem problem = broken(error);

    /* Where an element cannot be read there is no array. */
    if (problem && batch->form == BODY_ARRAY)
        return problem;
    add_error(batch, error, item);
    if (batch->form != BODY_OBJECT)
        return PROBLEM_NONE;
    if (!strcmp(error->code, "event_too_large"))
        return PROBLEM_EVENT_TOO_LARGE;
    return problem ? problem : PROBLEM_INVALID_EVENT;
}

static enum problem
judge_item(struct batch *batch, struct slice *item)
{
    struct event_text text = {*item, batch->form == BODY_ARRAY};
    enum problem problem = PROBLEM_NONE;
    struct event_error error;
    struct event_made made;
    uint8_t fresh[16];
    int r;

    if (batch->items == APP_EVENTS_MAX)
        return PROBLEM_BATCH_TOO_LONG;
    ids_uuid7(fresh, batch->exchange->received_ms);
    r = event_make(&batch->rules, &text, &batch->server, fresh,
                   &batch->app->lines, &made, &error);
    *item = text.json;
    if (r < 0)
        return PROBLEM_BODY_TOO_LARGE; /* more lines than a commit holds */
    if (r)
        problem = refuse_item(batch, &error, *item);
    else
        take_made(batch, &made);
    batch->items++;
    return problem;
}

/* Every item, until the body ends or turns out to be broken as a whole. */
static enum problem
judge_body(struct batch *batch)
{
    enum problem problem;
    struct slice item;
    struct body body;
    int r;

    problem = body_open(&body, batch->app, batch->exchange);
    if (problem)
        return problem;
    batch->form = body.form;
    while ((r = body_next(&body, &item, &problem)) > 0) {
        problem = judge_item(batch, &item);
        if (problem)
            return problem;
    }
    if (r < 0)
        return problem;
    if (!batch->items)
        return PROBLEM_EMPTY_BATCH;
    return batch->refused == batch->items ? PROBLEM_INVALID_EVENT
                                          : PROBLEM_NONE;
}

static struct slice
whole(const struct buf *buf)
{
    return (struct slice){buf->data, buf->len};
}

static void
write_answer(struct batch *batch)
{
    struct app *app = batch->app;
    struct buf *out = &app->answer;

    (void)buf_puts(out, "{\"requestId\":\"");
    (void)buf_puts(out, batch->exchange->request_id);
    (void)buf_puts(out, "\",\"accepted\":");
    (void)buf_number(out, batch->ids.taken_count);
    (void)buf_puts(out, ",\"duplicates\":");
    (void)buf_number(out, batch->ids.known_count);
    (void)buf_puts(out, ",\"identity\":\"");
    (void)buf_puts(out, batch->rules.api         ? "api"
                        : batch->exchange->token ? "cognito"
                                                 : "client");
    (void)buf_puts(out, "\",\"eventIds\":[");
    (void)buf_append(out, app->ids.data, app->ids.len);
    (void)buf_puts(out, "],\"rejected\":[");
    (void)buf_append(out, app->errors.data, app->errors.len);
    (void)buf_puts(out, "]}\n");
}

static void
refuse(struct batch *batch, enum problem problem)
{
    /* What is wrong with single events is told only where none was good;
     * a body that is broken as a whole has no items to tell of. */
    bool items = batch->refused && (problem == PROBLEM_INVALID_EVENT ||
                                    batch->form == BODY_OBJECT);

    pending_forget(batch->app, &batch->ids);
    batch->exchange->items_told = items;
    exchange_problem(batch->exchange, problem, NULL,
                     items ? whole(&batch->app->errors)
                           : (struct slice){NULL, 0},
                     NULL);
}

static enum problem
append(struct batch *batch)
{
    struct app *app = batch->app;

    write_answer(batch);
    if (app->answer.failed || app->ids.failed || app->errors.failed)
        return PROBLEM_SPOOL_ERROR; /* out of memory */
    switch (pending_append(app, batch->exchange, whole(&app->lines),
                           &batch->ids, whole(&app->answer))) {
    case 0:
        room_take(&app->room, app->lines.len);
        return PROBLEM_NONE;
    case COMMIT_FULL:
        return PROBLEM_SPOOL_FULL;
    case -EMSGSIZE:
        return PROBLEM_BODY_TOO_LARGE;
    default:
        return PROBLEM_SPOOL_ERROR;
    }
}

void
events_handle(struct exchange *exchange)
{
    struct app *app = exchange->app;
    const struct tail_facts facts = {"business", 202, clock_mono_us()};
    struct tail tail = tail_write(&app->server, exchange, &facts);
    struct batch batch = {
        .app = app,
        .exchange = exchange,
        .rules = {exchange->policy->catalog,
                  exchange->policy->keep_unknown_fields,
                  exchange->listener == EXCHANGE_INTERNAL,
                  exchange->policy->source_ip,
                  !exchange->policy->keep_user_agent},
        .server = {tail.full, tail.anonymous, exchange->received_ms,
                   exchange->request_id},
        .now_s = app_window_s(app),
        .ids = {.taken = app->taken, .known = app->known},
    };
    enum problem problem;

    buf_clear(&app->lines);
    buf_clear(&app->ids);
    buf_clear(&app->errors);
    buf_clear(&app->answer);
    problem = app_admit(app);
    if (!problem)
        problem = judge_body(&batch);
    if (!problem)
        problem = append(&batch);
    if (problem)
        refuse(&batch, problem);
}
