#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Figures for people.  Each function fills the caller's memory and returns
 * it, so that a printf() may hold several.
 */
enum { PRINT_SIZE = 32 };

/** print_bytes(): "0 B", "1.5 MiB"; print_ms(): RFC 3339, or "-" for 0. */
const char *print_bytes(uint64_t bytes, char out[PRINT_SIZE]);
const char *print_time(int64_t ms, char out[PRINT_SIZE]);

/** print_span(): a length of time, in its two largest units: "2h 30m". */
const char *print_span(int64_t ms, char out[PRINT_SIZE]);

/** print_time_json(): the same time as a JSON string, or null for 0. */
const char *print_time_json(int64_t ms, char out[PRINT_SIZE]);

/*
 * Colour, on a terminal that wants it: NO_COLOR (https://no-color.org) and
 * TERM=dumb switch it off.
 */
enum print_colour { PRINT_PLAIN, PRINT_GOOD, PRINT_BAD, PRINT_WARN, PRINT_DIM };

/** print_colour(): how a run of that colour begins, or "". */
const char *print_colour(enum print_colour colour);

/** print_end(): how it ends, or "". */
const char *print_end(void);

/** print_json_text(): @text as a JSON string on stdout; NULL gives null. */
void print_json_text(const char *text);

/** print_printable(): @text without what a terminal would obey. */
void print_printable(FILE *to, const char *text);

/**
 * print_wait(): sleep for @ms.
 *
 * Return: whether whoever reads our output is still there.
 */
bool print_wait(int ms);
