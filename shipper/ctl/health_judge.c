#include "shipper/ctl/health_judge.h"

#include "shipper/ctl/overview.h"
#include "shipper/ctl/print.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SILENT_MS = 30 * 1000 }; /* shipper tells its status each second */

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

const struct health_limits health_defaults = {
    .lag_ms = {2 * MINUTE_MS, 15 * MINUTE_MS},
    .room = {50, 10},
    .dead = {0, 100},
    .certificate_ms = {14 * DAY_MS, 3 * DAY_MS},
    .stuck_ms = 5 * MINUTE_MS,
};

/* Of critical, warning and unknown, as monitoring-plugins order them. */
static int
rank(enum health_level level)
{
    static const int ranks[] = {
        [HEALTH_OK] = 0,
        [HEALTH_UNKNOWN] = 1,
        [HEALTH_WARNING] = 2,
        [HEALTH_CRITICAL] = 3,
    };

    return ranks[level];
}

__attribute__((format(printf, 3, 4))) static void
find(struct health *health, enum health_level level, const char *format, ...)
{
    size_t at = health->count++;
    va_list args;

    assert(health->count <= HEALTH_FINDINGS_MAX);
    while (at && rank(health->findings[at - 1].level) < rank(level)) {
        health->findings[at] = health->findings[at - 1];
        at--;
    }
    health->findings[at].level = level;
    va_start(args, format);
    (void)vsnprintf(health->findings[at].text, HEALTH_TEXT_SIZE, format, args);
    va_end(args);
    /* What is behind a bar is performance data. */
    for (char *c = health->findings[at].text; *c; c++)
        if (*c == '|')
            *c = '/';
    health->level = health->findings[0].level;
}

static enum health_level
above(int64_t value, const struct health_limit *limit)
{
    return value > limit->critical  ? HEALTH_CRITICAL
           : value > limit->warning ? HEALTH_WARNING
                                    : HEALTH_OK;
}

static enum health_level
below(int64_t value, const struct health_limit *limit)
{
    return value < limit->critical  ? HEALTH_CRITICAL
           : value < limit->warning ? HEALTH_WARNING
                                    : HEALTH_OK;
}

static void
judge_daemons(struct health *health, const struct overview *overview,
              const struct health_facts *facts)
{
    const struct pulse *pulse = &overview->pulse;
    int64_t silent_ms = overview->now_ms - pulse->updated_ms;
    char span[PRINT_SIZE];

    if (overview->ingest_lives == 0)
        find(health, HEALTH_CRITICAL, "ingest is not running");
    if (facts->draining)
        find(health, HEALTH_WARNING, "ingest is drained: it takes nothing");
    if (overview->ingest_lives < 0 || overview->shipper_lives < 0)
        find(health, HEALTH_UNKNOWN,
             "who runs is not known: the locks cannot be looked at");
    if (overview->shipper_lives == 0)
        find(health, HEALTH_WARNING, "shipper is not running");
    else if (pulse->known && !strcmp(pulse->state, "holding"))
        find(health, HEALTH_CRITICAL, "shipper holds: %.100s",
             pulse->error_code);
    else if (overview->shipper_lives > 0 && pulse->known &&
             silent_ms > SILENT_MS)
        find(health, HEALTH_WARNING, "shipper has told nothing for %s",
             print_span(silent_ms, span));
}

static void
judge_backlog(struct health *health, const struct overview *overview,
              const struct health_limits *limits)
{
    const struct pulse *pulse = &overview->pulse;
    int64_t success_ms = overview->now_ms - pulse->last_success_ms;
    enum health_level level = above(health->lag_ms, &limits->lag_ms);
    char span[PRINT_SIZE], since[PRINT_SIZE];

    if (overview->shipped.state == SHIPPED_BROKEN)
        find(health, HEALTH_WARNING,
             "the checkpoint is broken: what was shipped is not known");
    if (health->lag_ms >= limits->stuck_ms && success_ms >= limits->stuck_ms) {
        find(health, HEALTH_CRITICAL,
             "entries wait for %s, and nothing was delivered %s%s%s%.80s",
             print_span(health->lag_ms, span),
             pulse->last_success_ms ? "for " : "yet",
             pulse->last_success_ms ? print_span(success_ms, since) : "",
             *pulse->error_code ? ", last error " : "", pulse->error_code);
    } else if (level) {
        find(health, level, "lag %s", print_span(health->lag_ms, span));
    }
}

static void
judge_room(struct health *health, const struct overview *overview,
           const struct health_facts *facts, const struct health_limits *limits)
{
    uint64_t most = (uint64_t)facts->max_unshipped, left = 0, disk = 0;
    enum health_level level;
    bool by_disk;
    char span[PRINT_SIZE];

    if (overview->unshipped_bytes < most)
        left = most - overview->unshipped_bytes;
    if (overview->free_bytes > overview->free_least)
        disk = overview->free_bytes - overview->free_least;
    by_disk = disk < left;
    if (by_disk)
        left = disk;
    health->room = (int64_t)((double)left / (double)most * 100);
    level = below(health->room, &limits->room);
    if (level)
        find(health, level, "room for %s, then ingest answers 503: %s",
             print_bytes(left, span),
             by_disk ? "the disk fills" : "unshipped entries fill the spool");
}

static void
judge_letters(struct health *health, const struct overview *overview,
              const struct health_limits *limits)
{
    enum health_level level;

    health->dead = overview->letters.entries + overview->letters.runs;
    level = above((int64_t)health->dead, &limits->dead);
    if (level)
        find(health, level, "%" PRIu64 " dead letter%s", health->dead,
             health->dead == 1 ? "" : "s");
}

static void
judge_certificate(struct health *health, const struct overview *overview,
                  const struct health_facts *facts,
                  const struct health_limits *limits)
{
    enum health_level level;
    char span[PRINT_SIZE];

    if (!facts->has_certificate)
        return;
    if (facts->certificate_error) {
        find(health, HEALTH_UNKNOWN, "the certificate cannot be read: %s",
             strerror(-facts->certificate_error));
        return;
    }
    health->has_certificate = true;
    health->certificate_ms = facts->certificate_after_ms - overview->now_ms;
    level = below(health->certificate_ms, &limits->certificate_ms);
    if (level)
        find(health, level, "the certificate %s%s",
             health->certificate_ms < 0 ? "has ended" : "ends in ",
             health->certificate_ms < 0
                 ? ""
                 : print_span(health->certificate_ms, span));
}

void
health_judge(struct health *health, const struct overview *overview,
             const struct health_facts *facts,
             const struct health_limits *limits)
{
    *health = (struct health){0};
    if (overview->oldest_unshipped &&
        overview->now_ms > overview->oldest_unshipped)
        health->lag_ms = overview->now_ms - overview->oldest_unshipped;
    judge_daemons(health, overview, facts);
    judge_backlog(health, overview, limits);
    judge_room(health, overview, facts, limits);
    judge_letters(health, overview, limits);
    judge_certificate(health, overview, facts, limits);
}

const char *
health_name(enum health_level level)
{
    static const char *const names[] = {
        [HEALTH_OK] = "OK",
        [HEALTH_WARNING] = "WARNING",
        [HEALTH_CRITICAL] = "CRITICAL",
        [HEALTH_UNKNOWN] = "UNKNOWN",
    };

    return names[level];
}
