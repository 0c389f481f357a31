#include "shipper/batch.h"

#include "common/json.h"
#include "common/line.h"

#include <assert.h>
#include <endian.h>
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

/*
 * How many of the eight bytes at @at stand before the first one that JSON
 * escapes: a quote, a backslash or a control.  Each term sets the high bit of
 * such a byte, and perhaps of bytes above it; only the lowest one counts.
 */
static size_t
plain_run(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, quote, slash, found;

    memcpy(&word, at, sizeof(word));
    word = le64toh(word);
    quote = word ^ ones * '"';
    slash = word ^ ones * '\\';
    found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
            ((slash - ones) & ~slash);
    found &= ones << 7;
    return found ? (size_t)__builtin_ctzll(found) / 8 : sizeof(word);
}

/*
 * The line as the inside of a JSON string.  This is where most of shipper's
 * own time goes: one check of room a line, and eight bytes a step.  A control
 * byte, which a line of ingest's has none of, takes the slow way.
 */
static void
append_message(struct buf *body, struct slice line)
{
    const char *from = line.data, *end = line.data + line.len;
    size_t start = body->len, n;
    char *to;

    if (buf_reserve(body, 2 * line.len + sizeof(uint64_t)) < 0)
        return;
    to = body->data + body->len;
    while (from < end) {
        n = 0;
        if (end - from >= (ptrdiff_t)sizeof(uint64_t)) {
            memcpy(to, from, sizeof(uint64_t));
            n = plain_run(from);
            to += n;
            from += n;
        }
        if (n == sizeof(uint64_t))
            continue;
        if ((unsigned char)*from < 0x20)
            break;
        if (*from == '"' || *from == '\\')
            *to++ = '\\';
        *to++ = *from++;
    }
    body->len = (size_t)(to - body->data);
    if (from < end) {
        buf_truncate(body, start);
        json_escape(body, line.data, line.len);
    }
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
        (struct batch_entry){position, (uint32_t)line.len};
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
