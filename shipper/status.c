#include "shipper/status.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/timefmt.h"
#include "shipper/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STATUS_VERSION = 1,
    STATUS_BYTES_MAX = 16 * 1024,
    WINDOW_US = 10 * 1000000, /* that rates are taken over */
};

const char *
status_state(const struct stream_report *report)
{
    if (report->holding)
        return "holding";
    switch (report->state) {
    case STREAM_IDLE:
        return "idle";
    case STREAM_CALLING:
    case STREAM_CREATING:
        return report->failures ? "waiting" : "sending";
    case STREAM_LOOKING:
        return "resolving";
    case STREAM_WAITING:
        return "waiting";
    case STREAM_SETTLING:
        return report->failures ? "holding" : "sending";
    }
    return "";
}

static void
print_time(struct buf *out, const char *name, int64_t ms)
{
    char text[TIMEFMT_SIZE];

    if (ms)
        timefmt_rfc3339(text, ms);
    (void)buf_printf(out, ",\"%s\":", name);
    json_string(out, ms ? text : NULL);
}

static void
print_error(struct buf *out, const struct stream_report *report)
{
    char text[TIMEFMT_SIZE];

    (void)buf_puts(out, ",\"lastError\":");
    if (!report->last_error_ms) {
        (void)buf_puts(out, "null");
        return;
    }
    timefmt_rfc3339(text, report->last_error_ms);
    (void)buf_printf(out, "{\"at\":\"%s\",\"code\":", text);
    json_string(out, report->error_code);
    (void)buf_puts(out, ",\"message\":");
    json_string(out, report->error_message);
    (void)buf_putc(out, '}');
}

static void
print_counts(struct buf *out, const struct status_facts *facts)
{
    (void)buf_printf(out,
                     ",\"counts\":{\"delivered\":%" PRIu64 ",\"dead\":%" PRIu64
                     ",\"dropped\":%" PRIu64 "}",
                     facts->counts.delivered, facts->counts.dead,
                     facts->counts.dropped);
}

static void
print_status(struct buf *out, const struct status *status,
             const struct status_facts *facts, int64_t now_ms)
{
    char now[TIMEFMT_SIZE];

    timefmt_rfc3339(now, now_ms);
    (void)buf_printf(out,
                     "{\"version\":%d,\"updatedAt\":\"%s\",\"state\":\"%s\","
                     "\"position\":{\"segment\":%" PRIu64 ",\"offset\":%" PRIu64
                     "},\"lagBytes\":%" PRIu64 ",\"lagSeconds\":%.3f,"
                     "\"eventsPerSecond\":%.1f,\"bytesPerSecond\":%.0f",
                     STATUS_VERSION, now, status_state(facts->stream),
                     facts->position.segment, facts->position.offset,
                     facts->lag_bytes, (double)facts->lag_ms / 1000,
                     status->events_per_second, status->bytes_per_second);
    print_counts(out, facts);
    (void)buf_puts(out, ",\"clockOffsetMs\":");
    if (facts->clock_offset_ms)
        (void)buf_printf(out, "%" PRId64, *facts->clock_offset_ms);
    else
        (void)buf_puts(out, "null");
    print_time(out, "lastSuccessAt", facts->stream->last_success_ms);
    print_error(out, facts->stream);
    print_time(out, "nextRetryAt", facts->stream->next_retry_ms);
    (void)buf_puts(out, "}\n");
}

static void
update_rates(struct status *status, const struct status_facts *facts,
             int64_t now_us)
{
    int64_t span_us = now_us - status->since_us;

    if (status->since_us && span_us < WINDOW_US)
        return;
    if (status->since_us) {
        double seconds = (double)span_us / 1e6;

        status->events_per_second =
            (double)(facts->counts.delivered - status->events) / seconds;
        status->bytes_per_second =
            (double)(facts->stream->bytes - status->bytes) / seconds;
    }
    status->since_us = now_us;
    status->events = facts->counts.delivered;
    status->bytes = facts->stream->bytes;
}

int
status_replace(int dirfd, const char *name, const struct buf *text)
{
    char fresh[64];
    int fd, r;

    (void)snprintf(fresh, sizeof(fresh), "%s.new", name);
    fd = fileio_open(dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;
    r = fileio_write_all(fd, text->data, text->len);
    (void)close(fd);
    if (!r && fileio_ops.renameat(dirfd, fresh, dirfd, name) < 0)
        r = -errno;
    return r;
}

int
status_write(struct status *status, int dirfd, const struct status_facts *facts,
             int64_t now_ms, int64_t now_us)
{
    struct buf text;
    int r;

    update_rates(status, facts, now_us);
    buf_init(&text, STATUS_BYTES_MAX);
    print_status(&text, status, facts, now_ms);
    r = text.failed ? text.failed : status_replace(dirfd, SPOOL_STATUS, &text);
    buf_deinit(&text);
    return r;
}
