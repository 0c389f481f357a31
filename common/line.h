#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One line of the spool.  It begins with fixed-width fields, so that neither
 * reading its time nor checking it needs a JSON parser:
 *
 *     {"_crc":"xxxxxxxx","ts":1767323045000,"eventId":"…36…",…}\n
 *     ^0       ^9       ^19  ^24            ^38       ^49
 *
 * _crc is CRC-32 (zlib's, in lower-case hex) over everything from "ts" up to
 * and including the closing brace.  ts is the receive time in ms since 1970.
 * A control line, the first of each segment, has "_segment" in place of
 * "eventId" and is never shipped.
 */
enum {
    LINE_CRC_AT = 9,
    LINE_CRC_LEN = 8,
    LINE_SUM_AT = 19, /* the checksum covers from here to the brace */
    LINE_TS_AT = 24,
    LINE_TS_LEN = 13,
    LINE_BODY_AT = 38, /* the first field after the fixed ones */
    LINE_ID_AT = 49,   /* the 36 characters of eventId, in an entry */
    LINE_ID_LEN = 36,
    LINE_MIN = LINE_BODY_AT + 2,
    LINE_LEN_MAX = 256 * 1024, /* with its newline */
};

/* The fixed fields, zeros where line_seal() will put checksum and time. */
#define LINE_PREFIX "{\"_crc\":\"00000000\",\"ts\":0000000000000,"

/** The largest time of 13 digits; line_seal() asserts it is not passed. */
#define LINE_TS_MAX INT64_C(9999999999999)

/**
 * line_seal(): put @ts and the checksum into the @len bytes of @line, which
 * begins with LINE_PREFIX's shape and ends in "}\n".
 */
void line_seal(char *line, size_t len, int64_t ts);

/**
 * line_ok(): whether the @len bytes, newline included, are a whole line with
 * the right checksum.  Nothing is said of the JSON within.
 */
bool line_ok(const char *line, size_t len);

/** line_ts(): the time of a line that line_ok() has passed. */
int64_t line_ts(const char *line);

/** line_is_control(): whether a good line is a segment's first line. */
bool line_is_control(const char *line, size_t len);

/**
 * line_event_id(): the 36 characters of a good entry's eventId, not
 * terminated, or NULL where the line has none at its place.
 */
const char *line_event_id(const char *line, size_t len);
