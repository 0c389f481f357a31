#include "ingest/upload_answer.h"

#include "common/buf.h"
#include "common/json.h"
#include "ingest/app.h"
#include "ingest/auth.h"
#include "ingest/exchange.h"
#include "ingest/own_entry.h"
#include "ingest/upload_seal.h"
#include "ingest/upload_wish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MORE_MAX = 16 * 1024, ERRORS_MAX = 4096 };

/* An answer that waits for its entry. */
struct receipt {
    struct commit_ticket ticket;
    struct exchange *exchange;
    struct app *app;
    enum counters_upload action;
    struct buf body;
};

static enum counters_upload
upload_action(const char *name)
{
    return *name == 'p' ? COUNTERS_PRESIGN : COUNTERS_COMPLETE;
}

void
upload_refuse_item(struct exchange *exchange, const char *action,
                   enum problem problem, const struct upload_fault *fault)
{
    struct app *app = exchange->app;
    char more[64];
    struct buf errors;
    int len = snprintf(more, sizeof(more), ",\"reason\":\"%s\"",
                       problem_info(problem)->code);

    app->counters.uploads[upload_action(action)][0]++;
    if (auth_may_tell(app->auth, exchange))
        (void)own_entry_append(app, exchange,
                               &(struct own_entry){
                                   .category = "upload",
                                   .action = action,
                                   .outcome = "failure",
                                   .status = problem_info(problem)->status,
                                   .more = {more, (size_t)len},
                               },
                               NULL);
    buf_init(&errors, ERRORS_MAX);
    if (fault) {
        (void)buf_puts(&errors, "{\"index\":0,\"pointer\":");
        json_string(&errors, fault->pointer);
        (void)buf_printf(&errors, ",\"code\":\"%s\",\"detail\":", fault->code);
        json_string(&errors, fault->detail);
        (void)buf_putc(&errors, '}');
    }
    exchange_problem(exchange, problem, NULL,
                     (struct slice){errors.data, errors.len}, NULL);
    buf_deinit(&errors);
}

void
upload_refuse(struct exchange *exchange, const char *action,
              enum problem problem)
{
    upload_refuse_item(exchange, action, problem, NULL);
}

static void
on_stored(struct commit_ticket *ticket, int status)
{
    struct receipt *receipt = (struct receipt *)ticket;

    if (status < 0) {
        exchange_problem(receipt->exchange,
                         status == -ENOSPC ? PROBLEM_SPOOL_FULL
                                           : PROBLEM_SPOOL_ERROR,
                         NULL, (struct slice){NULL, 0}, NULL);
    } else {
        receipt->app->accepted++;
        receipt->app->counters.uploads[receipt->action][1]++;
        exchange_reply(receipt->exchange,
                       &(struct exchange_reply){
                           .status = 201,
                           .type = "application/json",
                           .headers = "Cache-Control: no-store\r\n",
                           .body = {receipt->body.data, receipt->body.len},
                       });
    }
    buf_deinit(&receipt->body);
    free(receipt);
}

void
upload_answer_after(struct exchange *exchange, const struct own_entry *entry,
                    struct buf *body)
{
    struct receipt *receipt = calloc(1, sizeof(*receipt));
    int r = -ENOMEM;

    if (receipt && !body->failed) {
        receipt->ticket.done = on_stored;
        receipt->exchange = exchange;
        receipt->app = exchange->app;
        receipt->action = upload_action(entry->action);
        receipt->body = *body;
        r = own_entry_append(exchange->app, exchange, entry, &receipt->ticket);
    }
    if (!r)
        return;
    buf_deinit(body);
    free(receipt);
    exchange_problem(exchange,
                     r == -ENOSPC || r == COMMIT_FULL ? PROBLEM_SPOOL_FULL
                                                      : PROBLEM_SPOOL_ERROR,
                     NULL, (struct slice){NULL, 0}, NULL);
}

void
upload_write_members(struct buf *more, const struct upload *upload)
{
    buf_init(more, MORE_MAX);
    (void)buf_puts(more, ",\"key\":");
    json_string(more, upload->key);
    (void)buf_puts(more, ",\"contentType\":");
    json_string(more, upload->type);
    (void)buf_printf(more, ",\"contentLength\":%" PRIu64, upload->size);
}
