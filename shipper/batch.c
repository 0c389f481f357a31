#include "shipper/batch.h"

#include "common/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No event is smaller: the shortest line that the spool can hold. */
enum { SMALLEST = LINE_MIN - 1 + BATCH_EVENT_OVERHEAD };

int
batch_new(struct batch **out, const char *group, const char *stream)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (!batch)
        return -ENOMEM;
    buf_init(&batch->body, BATCH_BODY_MAX);
    (void)buf_puts(&batch->body, "{\"logGroupName\":");
    json_string(&batch->body, group);
    (void)buf_puts(&batch->body, ",\"logStreamName\":");
    json_string(&batch->body, stream);
    (void)buf_puts(&batch->body, ",\"logEvents\":[");
    batch->head = batch->events_end = batch->body.len;
    batch->entries = calloc(BATCH_EVENTS_MAX, sizeof(*batch->entries));
    if (batch->body.failed || !batch->entries) {
        batch_free(batch);
        return -ENOMEM;
    }
    *out = batch;
    return 0;
}

void
batch_free(struct batch *batch)
{
    if (!batch)
        return;
    buf_deinit(&batch->body);
    free(batch->entries);
    free(batch);
}

void
batch_clear(struct batch *batch)
{
    buf_truncate(&batch->body, batch->head);
    batch->body.failed = 0;
    batch->events_end = batch->head;
    batch->count = 0;
    batch->bytes = 0;
}

enum { ESCAPED = 1, CONTROL = 2 };

static const unsigned char special[256] = {
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2, /* the controls */
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    2, /* below a blank */
    ['"'] = ESCAPED,
    ['\\'] = ESCAPED,
};

/*
 * The line as the inside of a JSON string.  This is where most of shipper's
 * own time goes: one check of room a line, and no branch on what a byte is, as
 * quotes come too often to be foreseen.  A backslash is written before every
 * byte, and stays where it is needed.  A control byte, which a line of
 * ingest's has none of, takes the slow way.
 */
static void
append_message(struct buf *body, struct slice line)
{
    unsigned found = 0;
    char *to;

    if (buf_reserve(body, 2 * line.len) < 0)
        return;
    to = body->data + body->len;
#pragma GCC unroll 8
    for (size_t i = 0; i < line.len; i++) {
        unsigned kind = special[(unsigned char)line.data[i]];

        found |= kind;
        *to = '\\';
        to += kind & ESCAPED;
        *to++ = line.data[i];
    }
    if (found & CONTROL)
        json_escape(body, line.data, line.len);
    else
        body->len = (size_t)(to - body->data);
}

static bool
fits(const struct batch *batch, struct slice line, int64_t ts)
{
    return batch->count < BATCH_EVENTS_MAX &&
           batch->bytes + line.len + BATCH_EVENT_OVERHEAD <= BATCH_BYTES_MAX &&
           ts >= batch->last_ts && ts - batch->first_ts <= BATCH_SPAN_MAX_MS;
}

int
batch_add(struct batch *batch, struct slice line, int64_t ts,
          struct spool_position position, struct spool_position next)
{
    struct buf *body = &batch->body;
    const char *id;

    assert(line.len < LINE_LEN_MAX && ts >= 0);
    if (batch->count && !fits(batch, line, ts))
        return BATCH_FULL;

    buf_truncate(body, batch->events_end);
    (void)buf_puts(body, batch->count ? ",{\"timestamp\":" : "{\"timestamp\":");
    (void)buf_number(body, (uint64_t)ts);
    (void)buf_puts(body, ",\"message\":\"");
    append_message(body, line);
    (void)buf_puts(body, "\"}");
    if (body->failed) {
        buf_truncate(body, batch->events_end);
        body->failed = 0;
        return -ENOMEM;
    }

    if (!batch->count)
        batch->first_ts = ts;
    batch->last_ts = ts;
    batch->entries[batch->count++] =
        (struct batch_entry){position, ts, (uint32_t)line.len, false};
    id = line_event_id(line.data, line.len + 1);
    if (id)
        memcpy(batch->last_id, id, LINE_ID_LEN);
    else
        batch->last_id[0] = '\0';
    batch->bytes += line.len + BATCH_EVENT_OVERHEAD;
    batch->next = next;
    batch->events_end = body->len;
    return 0;
}

bool
batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_EVENTS_MAX ||
           batch->bytes + SMALLEST > BATCH_BYTES_MAX;
}

int
batch_finish(struct batch *batch, const char *token)
{
    struct buf *body = &batch->body;

    buf_truncate(body, batch->events_end);
    (void)buf_putc(body, ']');
    if (token) {
        (void)buf_puts(body, ",\"sequenceToken\":");
        json_string(body, token);
    }
    (void)buf_putc(body, '}');
    return body->failed;
}
