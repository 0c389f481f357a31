#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overview;

/*
 * Whether all is well, from one look at the files.  Pure.
 *
 * What counts is the backlog, whatever the processes do: entries that wait and
 * no success for `stuck_ms` are a failure.
 */
enum health_level { /* Nagios's exit codes */
                    HEALTH_OK,
                    HEALTH_WARNING,
                    HEALTH_CRITICAL,
                    HEALTH_UNKNOWN,
};

/** From where on it is a warning, and critical. */
struct health_limit {
    int64_t warning, critical;
};

struct health_limits {
    struct health_limit lag_ms;         /* more than this */
    struct health_limit room;           /* less than this, in per cent */
    struct health_limit dead;           /* more than this */
    struct health_limit certificate_ms; /* less than this to its end */
    int64_t stuck_ms;
};

/** What the manual says of each. */
extern const struct health_limits health_defaults;

/** What overview_read() does not say. */
struct health_facts {
    int64_t max_unshipped; /* [spool] max_unshipped */
    bool draining;         /* ingest takes nothing, as an operator wants it */
    bool has_certificate;
    int certificate_error;        /* a negative errno, or 0: */
    int64_t certificate_after_ms; /* when it ends, since 1970 */
};

enum { HEALTH_FINDINGS_MAX = 12, HEALTH_TEXT_SIZE = 192 };

struct health_finding {
    enum health_level level;
    char text[HEALTH_TEXT_SIZE]; /* for the terminal, and without a `|` */
};

struct health {
    enum health_level level; /* the worst: critical, warning, unknown, ok */
    struct health_finding findings[HEALTH_FINDINGS_MAX]; /* the worst first */
    size_t count;
    int64_t lag_ms;
    int64_t room; /* per cent of max_unshipped that can still come */
    uint64_t dead;
    bool has_certificate;
    int64_t certificate_ms; /* to its end */
};

void health_judge(struct health *health, const struct overview *overview,
                  const struct health_facts *facts,
                  const struct health_limits *limits);

/** health_name(): "OK" and so on. */
const char *health_name(enum health_level level);
