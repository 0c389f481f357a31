#include "shipper/status.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/timefmt.h"
#include "shipper/stream.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STATUS_VERSION = 1,
    STATUS_BYTES_MAX = 128 * 1024,
    DAY_MS = 24 * 60 * 60 * 1000,
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
                     ",\"dropped\":%" PRIu64 ",\"replayed\":%" PRIu64 "}",
                     facts->counts.delivered, facts->counts.dead,
                     facts->counts.dropped, facts->counts.replayed);
}

static void
print_day(struct buf *out, const struct status *status)
{
    char date[TIMEFMT_SIZE];

    timefmt_rfc3339(date, status->day * DAY_MS);
    (void)buf_printf(out,
                     ",\"ingested\":{\"since\":\"%s\",\"bytes\":%" PRIu64
                     ",\"dayBefore\":%" PRIu64 "}",
                     date, status->today, status->yesterday);
}

static void
print_streams(struct buf *out, const struct status_facts *facts)
{
    (void)buf_puts(out, ",\"streams\":[");
    for (size_t i = 0; i < facts->stream_count; i++) {
        const struct stream_report *one = &facts->streams[i];

        (void)buf_puts(out, i ? ",{\"group\":" : "{\"group\":");
        json_string(out, one->group);
        (void)buf_puts(out, ",\"stream\":");
        json_string(out, one->name);
        (void)buf_printf(out,
                         ",\"state\":\"%s\",\"position\":{\"segment\":"
                         "%" PRIu64 ",\"offset\":%" PRIu64 "}",
                         status_state(one), one->position.segment,
                         one->position.offset);
        print_error(out, one);
        (void)buf_putc(out, '}');
    }
    (void)buf_putc(out, ']');
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
                     STATUS_VERSION, now, status_state(facts->sum),
                     facts->position.segment, facts->position.offset,
                     facts->lag_bytes, (double)facts->lag_ms / 1000,
                     status->events_per_second, status->bytes_per_second);
    print_counts(out, facts);
    (void)buf_puts(out, ",\"clockOffsetMs\":");
    if (facts->clock_offset_ms)
        (void)buf_printf(out, "%" PRId64, *facts->clock_offset_ms);
    else
        (void)buf_puts(out, "null");
    print_time(out, "lastSuccessAt", facts->sum->last_success_ms);
    print_error(out, facts->sum);
    print_time(out, "nextRetryAt", facts->sum->next_retry_ms);
    (void)buf_printf(out, ",\"retryBytes\":%" PRIu64, facts->retry_bytes);
    print_day(out, status);
    print_streams(out, facts);
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
            (double)(facts->bytes - status->bytes) / seconds;
    }
    status->since_us = now_us;
    status->events = facts->counts.delivered;
    status->bytes = facts->bytes;
}

static void
update_day(struct status *status, const struct status_facts *facts,
           int64_t now_ms)
{
    int64_t day = now_ms / DAY_MS;

    if (day != status->day) {
        status->yesterday = day == status->day + 1 ? status->today : 0;
        status->today = 0;
        status->day = day;
    }
    status->today += facts->bytes - status->bytes_before;
    status->bytes_before = facts->bytes;
}

/* Without the file, or of one that says other things, the day begins anew. */
void
status_restore(struct status *status, int dirfd)
{
    const cJSON *ingested, *told;
    const char *day;
    char *bytes;
    cJSON *tree;
    size_t len;
    int64_t ms;

    if (fileio_read_all(dirfd, SPOOL_STATUS, STATUS_BYTES_MAX, &bytes, &len))
        return;
    tree = json_parse(bytes, len);
    free(bytes);
    told = cJSON_GetObjectItemCaseSensitive(tree, "position");
    if (!json_get_uint(told, "segment", &status->position.segment) ||
        !json_get_uint(told, "offset", &status->position.offset))
        status->position = (struct spool_position){0};
    ingested = cJSON_GetObjectItemCaseSensitive(tree, "ingested");
    day = json_get_string(ingested, "since");
    if (day && timefmt_parse(day, strlen(day), &ms) &&
        json_get_uint(ingested, "bytes", &status->today) &&
        json_get_uint(ingested, "dayBefore", &status->yesterday))
        status->day = ms / DAY_MS;
    cJSON_Delete(tree);
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
    update_day(status, facts, now_ms);
    buf_init(&text, STATUS_BYTES_MAX);
    print_status(&text, status, facts, now_ms);
    r = text.failed ? text.failed : status_replace(dirfd, SPOOL_STATUS, &text);
    buf_deinit(&text);
    return r;
}
