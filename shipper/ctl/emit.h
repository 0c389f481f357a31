#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;
struct line_reader;
struct progress;

/** Entries on their way to stdout, byte for byte. */
struct emit {
    const struct filter *filter; /* borrowed */
    struct progress *progress;   /* borrowed; NULL: none */
    bool json;     /* what is no JSON is not printed, good checksum or not */
    uint64_t skip; /* wanted entries that are passed over first */
    uint64_t bad_runs; /* that were met; they are not printed */
    uint64_t bad_json; /* likewise */
};

/** emit_entry(): a good line of @len bytes with its newline, if wanted. */
void emit_entry(struct emit *emit, const char *line, size_t len);

/**
 * emit_lines(): the wanted entries up to the reader's end; control lines
 * never.
 *
 * Return: 0, or a negative errno of the reading.
 */
int emit_lines(struct emit *emit, struct line_reader *reader);

/** emit_end(): tell on stderr what was not printed, and count anew. */
void emit_end(struct emit *emit);
