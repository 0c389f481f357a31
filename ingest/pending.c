#include "ingest/pending.h"

#include "common/clock.h"
#include "ingest/app.h"
#include "ingest/exchange.h"
#include "ingest/seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One block: the struct, the ids, the answer. */
struct pending {
    struct commit_ticket ticket;
    struct app *app;
    struct exchange *exchange;
    struct pending_ids ids;
    const struct activity_mark *marks; /* of ids.taken */
    unsigned failed_commits;           /* the app's, when this was appended */
    struct slice answer;
    uint8_t bytes[];
};
_Static_assert(offsetof(struct pending, bytes) %
                       _Alignof(struct activity_mark) ==
                   0,
               "marks stand behind ids, of 16 bytes each");

void
pending_forget(struct app *app, const struct pending_ids *ids)
{
    for (size_t i = 0; i < ids->taken_count; i++)
        seen_remove(app->seen, ids->taken[i]);
}

/* An id that a failed commit took out of the window may have come back with a
 * later request, whose commit is still on its way: then who knows. */
static bool
all_known(const struct pending *pending)
{
    int64_t now_s = app_window_s(pending->app);

    if (pending->ids.known_count &&
        pending->failed_commits != pending->app->failed_commits)
        return false;
    for (size_t i = 0; i < pending->ids.known_count; i++)
        if (!seen_has(pending->app->seen, pending->ids.known[i], now_s))
            return false;
    return true;
}

static void
count(const struct pending *pending)
{
    struct app *app = pending->app;

    app->accepted += pending->ids.taken_count;
    app->counters.duplicates += pending->ids.known_count;
    for (size_t i = 0; i < pending->ids.taken_count; i++)
        activity_accepted(app->activity,
                          counters_accepted(&app->counters,
                                            pending->marks[i].event,
                                            pending->exchange->token),
                          pending->marks[i]);
}

static void
on_done(struct commit_ticket *ticket, int status)
{
    struct pending *pending = (struct pending *)ticket;
    struct exchange *exchange = pending->exchange;

    if (status < 0) {
        pending->app->failed_commits++;
        pending->app->failed_us = clock_mono_us();
        pending_forget(pending->app, &pending->ids);
    } else {
        count(pending);
    }

    if (status == -ENOSPC || status == -EDQUOT)
        exchange_problem(exchange, PROBLEM_SPOOL_FULL, NULL,
                         (struct slice){NULL, 0}, NULL);
    else if (status < 0 || !all_known(pending))
        exchange_problem(exchange, PROBLEM_SPOOL_ERROR, NULL,
                         (struct slice){NULL, 0}, NULL);
    else
        exchange_reply(exchange, &(struct exchange_reply){
                                     .status = 202,
                                     .type = "application/json",
                                     .body = pending->answer,
                                 });
    free(pending);
}

static struct pending *
pending_new(struct app *app, struct exchange *exchange,
            const struct pending_ids *ids, struct slice answer)
{
    size_t taken = ids->taken_count * 16, known = ids->known_count * 16;
    size_t marks = ids->taken_count * sizeof(*app->marks);
    struct pending *pending =
        malloc(sizeof(*pending) + taken + known + marks + answer.len);
    uint8_t *at;

    if (!pending)
        return NULL;
    at = pending->bytes;
    *pending = (struct pending){
        .ticket.done = on_done,
        .ticket.ts = exchange->received_ms,
        .ticket.entries = (unsigned)ids->taken_count,
        .app = app,
        .exchange = exchange,
        .ids = *ids,
        .failed_commits = app->failed_commits,
    };
    pending->ids.taken = (uint8_t(*)[16])at;
    pending->ids.known = (uint8_t(*)[16])(at + taken);
    pending->marks = (const struct activity_mark *)(at + taken + known);
    pending->answer =
        (struct slice){(const char *)at + taken + known + marks, answer.len};
    if (taken)
        memcpy(at, ids->taken, taken);
    if (known)
        memcpy(at + taken, ids->known, known);
    if (marks)
        memcpy(at + taken + known, app->marks, marks);
    memcpy(at + taken + known + marks, answer.data, answer.len);
    return pending;
}

int
pending_append(struct app *app, struct exchange *exchange, struct slice lines,
               const struct pending_ids *ids, struct slice answer)
{
    struct pending *pending = pending_new(app, exchange, ids, answer);
    int r;

    if (!pending)
        return -ENOMEM;
    r = commit_append(&app->port, &pending->ticket, lines.data, lines.len);
    if (r)
        free(pending);
    return r;
}
