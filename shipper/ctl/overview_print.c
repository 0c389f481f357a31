#include "shipper/ctl/overview.h"

#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    HOUR_MS = 60 * 60 * 1000,
    DAY_MS = 24 * HOUR_MS,
    MONTH_DAYS = 30,
    EVENTS_WIDTH = 80 - 16 - sizeof(", others 1000000"),
};

#define GIB (1024.0 * 1024 * 1024)

static void
label(const char *name)
{
    printf("  %-13s ", name);
}

static void
coloured(enum print_colour colour, const char *text)
{
    printf("%s%s%s", print_colour(colour), text, print_end());
}

static void
print_lives(int lives)
{
    if (lives > 0)
        coloured(PRINT_GOOD, "running");
    else if (lives == 0)
        coloured(PRINT_BAD, "not running");
    else
        coloured(PRINT_WARN, "unknown: its lock cannot be looked at");
}

/* "2026-01-02T03:04:05.678Z, 3.2s ago" */
static void
print_moment(int64_t ms, int64_t now_ms)
{
    char time[PRINT_SIZE], span[PRINT_SIZE];

    printf("%s, %s ago", print_time(ms, time), print_span(now_ms - ms, span));
}

/* By name as long as the line has room, the rest as a number. */
static void
print_events(const struct door *door)
{
    uint64_t more = 0;
    int at = 0;

    label("last hour");
    for (size_t i = 0; i < door->event_count; i++) {
        const struct door_event *event = &door->events[i];
        char text[DOOR_NAME_SIZE + PRINT_SIZE];
        int len = snprintf(text, sizeof(text), "%s%s %" PRIu64, at ? ", " : "",
                           event->name, event->accepted);

        if (event->accepted && at + len <= EVENTS_WIDTH)
            at += printf("%s", text);
        else
            more += event->accepted;
    }
    if (more)
        printf(", others %" PRIu64, more);
    puts(at ? "" : "no events");
}

static void
print_quantiles(const char *name, const struct door_time *time)
{
    printf("%s ", name);
    if (time->known)
        printf("p50 %.1f ms, p99 %.1f ms", (double)time->p50_us / 1000,
               (double)time->p99_us / 1000);
    else
        printf("none yet");
}

static void
print_ingest(const struct overview *overview)
{
    const struct door *door = &overview->door;
    char up[PRINT_SIZE];

    label("ingest");
    print_lives(overview->ingest_lives);
    if (!door->known) {
        putchar('\n');
        if (*door->why) {
            label("figures");
            coloured(PRINT_WARN, door->why);
            putchar('\n');
        }
        return;
    }
    printf(", %s, up %s; %.1f events a second\n", door->version,
           print_span((int64_t)door->uptime_s * 1000, up), door->per_second);
    print_events(door);
    label("latency");
    print_quantiles("requests", &door->requests);
    print_quantiles("; commits", &door->commits);
    putchar('\n');
}

static void
print_shipper(const struct overview *overview)
{
    const struct pulse *pulse = &overview->pulse;
    char bytes[PRINT_SIZE], span[PRINT_SIZE];

    label("shipper");
    print_lives(overview->shipper_lives);
    if (overview->shipper_lives > 0 && pulse->known && *pulse->state)
        printf(", %s", pulse->state);
    if (overview->shipper_lives > 0 && pulse->has_rates)
        printf("; %.1f entries and %s a second", pulse->events_per_second,
               print_bytes(pulse->bytes_per_second > 0
                               ? (uint64_t)pulse->bytes_per_second
                               : 0,
                           bytes));
    if (pulse->known && pulse->updated_ms)
        printf(" (told %s ago)",
               print_span(overview->now_ms - pulse->updated_ms, span));
    putchar('\n');
}

static void
print_spool(const struct overview *overview, const struct ctl *ctl)
{
    uint64_t most = (uint64_t)ctl->settings.spool.max_unshipped;
    char a[PRINT_SIZE], b[PRINT_SIZE];

    label("spool");
    printf("%" PRIu64 " segment%s, %s\n", overview->segments,
           overview->segments == 1 ? "" : "s", print_bytes(overview->bytes, a));
    label("unshipped");
    printf("%s of at most %s", print_bytes(overview->unshipped_bytes, a),
           print_bytes(most, b));
    if (overview->unshipped_bytes > most)
        coloured(PRINT_BAD, ", so ingest answers 503");
    if (overview->oldest_unshipped)
        printf("; the oldest was received %s ago",
               print_span(overview->now_ms - overview->oldest_unshipped, a));
    putchar('\n');
    label("disk");
    printf("%s free, of which %s are kept",
           print_bytes(overview->free_bytes, a),
           print_bytes(overview->free_least, b));
    if (overview->free_bytes < overview->free_least)
        coloured(PRINT_BAD, ", so ingest answers 503");
    putchar('\n');
}

/* A month as the whole day before was, or else as this one goes on. */
static void
print_cost(const struct overview *overview, const struct ctl *ctl)
{
    const struct pulse *pulse = &overview->pulse;
    double price = ctl->settings.shipper.price_per_gib / GIB;
    double today = (double)pulse->day_bytes * price;
    double day = (double)pulse->day_before_bytes * price;
    int64_t passed_ms = overview->now_ms - pulse->day_ms;
    char bytes[PRINT_SIZE];

    if (!pulse->day_ms || passed_ms < 0 || passed_ms > DAY_MS)
        return; /* shipper has not run today */
    label("cost");
    printf("CloudWatch took %s today: $%.2f",
           print_bytes(pulse->day_bytes, bytes), today);
    if (!pulse->day_before_bytes && passed_ms >= HOUR_MS)
        day = today * DAY_MS / (double)passed_ms;
    if (day > 0)
        printf("; a month like that is $%.2f", day * MONTH_DAYS);
    putchar('\n');
}

static void
print_checkpoint(const struct overview *overview)
{
    const struct checkpoint *checkpoint = &overview->shipped.checkpoint;
    char name[SPOOL_NAME_SIZE];

    label("checkpoint");
    switch (overview->shipped.state) {
    case SHIPPED_NONE:
        puts("none: nothing was shipped yet");
        return;
    case SHIPPED_BROKEN:
        coloured(PRINT_BAD, "broken: what was shipped is not known");
        putchar('\n');
        return;
    case SHIPPED_KNOWN:
        break;
    }
    printf("%s:%" PRIu64 "\n", spool_name(checkpoint->position.segment, name),
           checkpoint->position.offset);
    label("");
    printf("%" PRIu64 " delivered, %s%" PRIu64 " dead%s, %" PRIu64 " dropped\n",
           checkpoint->counts.delivered,
           print_colour(checkpoint->counts.dead ? PRINT_WARN : PRINT_PLAIN),
           checkpoint->counts.dead, print_end(), checkpoint->counts.dropped);
}

static void
print_letters(const struct overview *overview, const struct ctl *ctl)
{
    const struct letters *letters = &overview->letters;
    char a[PRINT_SIZE], b[PRINT_SIZE];

    label("dead letters");
    printf("%" PRIu64 " entries and %" PRIu64
           " runs of bad bytes; %s of at most %s\n",
           letters->entries, letters->runs, print_bytes(letters->bytes, a),
           print_bytes((uint64_t)ctl->settings.shipper.dead_max_size, b));
    if (letters->runs) {
        char name[SPOOL_NAME_SIZE];

        label("");
        coloured(PRINT_BAD, "bad bytes");
        printf(": the first at %s:%" PRIu64 "; clickspoolctl dead ls\n",
               spool_name(letters->first_run.segment, name),
               letters->first_run.offset);
    }
}

static void
print_pulse(const struct overview *overview)
{
    const struct pulse *pulse = &overview->pulse;
    char span[PRINT_SIZE];

    if (pulse->last_success_ms) {
        label("last success");
        print_moment(pulse->last_success_ms, overview->now_ms);
        putchar('\n');
    }
    if (pulse->error_ms) {
        label("last error");
        print_moment(pulse->error_ms, overview->now_ms);
        putchar('\n');
        label("");
        printf("%s%s%s%s%s\n", print_colour(PRINT_WARN), pulse->error_code,
               *pulse->error_code && *pulse->error_message ? ": " : "",
               pulse->error_message, print_end());
    }
    if (pulse->next_retry_ms > overview->now_ms) {
        label("next try");
        printf("in %s\n",
               print_span(pulse->next_retry_ms - overview->now_ms, span));
    }
    if (pulse->has_clock) {
        label("clock");
        printf("AWS's is %+.3f s ahead\n", pulse->clock_offset_ms / 1000);
    }
}

static void
print_end_of(const char *what, int64_t ms, int64_t now_ms)
{
    char span[PRINT_SIZE];
    int64_t left = ms - now_ms;

    label(what);
    if (left < 0)
        coloured(PRINT_BAD, "ended ");
    else
        printf("until ");
    printf("%s", print_time(ms, span));
    printf(left < 0 ? ", %s ago\n" : ", for %s\n",
           print_span(left < 0 ? -left : left, span));
}

static void
print_secrets(const struct overview *overview)
{
    const struct ends *ends = &overview->ends;
    const char *before = "";

    if (!ends->wanted[ENDS_APP_CONFIG] && !ends->wanted[ENDS_DB_PASSWORD])
        return;
    label("secrets");
    for (int i = 0; i < ENDS_SECRETS; i++) {
        char span[PRINT_SIZE];

        if (!ends->wanted[i])
            continue;
        printf("%s%s ", before, ends_secret_name(i));
        if (ends->secrets_ms[i])
            printf("read %s ago",
                   print_span(overview->now_ms - ends->secrets_ms[i], span));
        else
            coloured(PRINT_WARN, "never read");
        before = ", ";
    }
    putchar('\n');
}

static void
print_ends(const struct overview *overview)
{
    const struct ends *ends = &overview->ends;

    if (ends->credentials_ms)
        print_end_of("credentials", ends->credentials_ms, overview->now_ms);
    if (ends->told)
        print_secrets(overview);
    if (ends->has_certificate && !ends->certificate_error) {
        print_end_of("certificate", ends->certificate_ms, overview->now_ms);
    } else if (ends->has_certificate) {
        label("certificate");
        coloured(PRINT_WARN, strerror(-ends->certificate_error));
        putchar('\n');
    }
}

void
overview_print(const struct overview *overview, const struct ctl *ctl)
{
    char time[PRINT_SIZE];

    printf("%s  %s\n", ctl->dir, print_time(overview->now_ms, time));
    print_ingest(overview);
    print_shipper(overview);
    print_spool(overview, ctl);
    print_checkpoint(overview);
    print_cost(overview, ctl);
    print_letters(overview, ctl);
    print_pulse(overview);
    print_ends(overview);
}
