#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Times as text, and milliseconds since 1970.  Pure.
 */
enum {
    TIMEFMT_LEN = 24, /* 2026-01-02T03:04:05.678Z */
    TIMEFMT_SIZE = TIMEFMT_LEN + 1,
};

/** The years 0 to 9999, which is what RFC 3339 can write. */
#define TIMEFMT_LEAST_MS INT64_C(-62167219200000)
#define TIMEFMT_MOST_MS INT64_C(253402300799999)

/** timefmt_rfc3339(): UTC with milliseconds; @ms within the bounds above. */
void timefmt_rfc3339(char text[TIMEFMT_SIZE], int64_t ms);

/**
 * timefmt_parse(): "2026-01-02T03:04:05.678+01:00" and the like, strictly; a
 * fraction is cut to milliseconds, a leap second counts as the next one.
 *
 * Return: whether it is one.
 */
bool timefmt_parse(const char *text, size_t len, int64_t *ms);

/**
 * timefmt_parse_http(): "Sun, 06 Nov 1994 08:49:37 GMT", the one form of a
 * date that HTTP's servers may send (RFC 9110, section 5.6.7).
 *
 * Return: whether it is one.
 */
bool timefmt_parse_http(const char *text, size_t len, int64_t *ms);
