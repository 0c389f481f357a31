#include "ingest/own_entry.h"

#include "common/clock.h"
#include "common/line.h"
#include "common/uuid.h"
#include "ingest/app.h"
#include "ingest/exchange.h"
#include "ingest/ids.h"
#include "ingest/tail.h"

#include <errno.h>
#include <stdlib.h>

/* Of an entry that nobody waits for. */
struct unattended {
    struct commit_ticket ticket;
    struct app *app;
};

static void
on_unattended(struct commit_ticket *ticket, int status)
{
    struct unattended *unattended = (struct unattended *)ticket;

    if (status == 0)
        unattended->app->accepted++;
    free(unattended);
}

static void
write_line(struct buf *line, struct app *app, const struct exchange *exchange,
           const struct own_entry *entry)
{
    char id[UUID_SIZE];
    struct tail tail;
    uint8_t fresh[16];

    ids_uuid7(fresh, exchange->received_ms);
    uuid_print(id, entry->id ? entry->id : fresh);
    tail = tail_write(&app->server, exchange,
                      &(struct tail_facts){entry->category, entry->status,
                                           clock_mono_us()});
    (void)buf_printf(line,
                     LINE_PREFIX "\"eventId\":\"%s\",\"action\":\"%s\","
                                 "\"outcome\":\"%s\"",
                     id, entry->action, entry->outcome);
    (void)buf_append(line, entry->more.data, entry->more.len);
    (void)buf_putc(line, ',');
    (void)buf_append(line, tail.full.data, tail.full.len);
    (void)buf_puts(line, "}\n");
}

int
own_entry_append(struct app *app, const struct exchange *exchange,
                 const struct own_entry *entry, struct commit_ticket *ticket)
{
    struct unattended *unattended = NULL;
    struct buf line;
    int r;

    if (app->room.full)
        return -ENOSPC;
    if (!ticket) {
        unattended = calloc(1, sizeof(*unattended));
        if (!unattended)
            return -ENOMEM;
        unattended->app = app;
        ticket = &unattended->ticket;
        ticket->done = on_unattended;
    }
    ticket->ts = exchange->received_ms;
    ticket->entries = 1;
    buf_init(&line, LINE_LEN_MAX);
    write_line(&line, app, exchange, entry);
    r = line.failed ? line.failed
                    : commit_append(&app->port, ticket, line.data, line.len);
    if (!r)
        room_take(&app->room, line.len);
    buf_deinit(&line);
    if (r)
        free(unattended);
    return r;
}
