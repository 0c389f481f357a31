#pragma once

#include "common/slice.h"

#include <stdint.h>

struct buf;
struct cJSON;
struct settings;

/*
 * The lines of the broker, as docs/broker.md has them: what ingest and
 * clickspoolctl ask of shipper, and what comes back.  Pure.
 */
enum {
    ASK_VERSION = 1,
    ASK_LINE_MAX = 4 * 1024,
    ASK_ANSWER_MAX = 128 * 1024,
};

/**
 * ask_read(): one line, without its LF.
 *
 * Return: a JSON object for cJSON_Delete(), or NULL where it is none.
 */
struct cJSON *ask_read(struct slice line);

/** ask_version_ok(): whether a line is of our version. */
int ask_version_ok(const struct cJSON *line);

/** ask_begin(): `{"v":1,"id":…`; more members follow, and ask_end(). */
void ask_begin(struct buf *out, uint64_t id);

/** ask_end(): the brace and the LF. */
void ask_end(struct buf *out);

/** ask_refuse(): a whole answer that says no. */
void ask_refuse(struct buf *out, uint64_t id, const char *code,
                const char *why);

/** ask_check(): settings_complain()s of [broker] socket. */
void ask_check(struct settings *settings);
