#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cJSON;

/*
 * JSON as we write it, and a few careful looks at what cJSON has read.  Only
 * for what is rare and ours, or AWS's: events go through ingest's scanner.
 */

/** json_escape(): @text as the inside of a JSON string. */
void json_escape(struct buf *out, const char *text, size_t len);

/**
 * json_escape_printable(): the same for people's eyes: DEL, C1 controls, line
 * and paragraph separators and bidirectional marks are escaped too, and bytes
 * that are not UTF-8 become U+FFFD.
 */
void json_escape_printable(struct buf *out, const char *text, size_t len);

/** json_string(): @text, quoted and escaped; NULL gives null. */
void json_string(struct buf *out, const char *text);

/**
 * json_parse(): one document of at most 32 levels, nothing after it.
 *
 * Return: the tree, for cJSON_Delete(), or NULL.
 */
struct cJSON *json_parse(const char *text, size_t len);

/** json_get_string(): a member's text, borrowed, or NULL. */
const char *json_get_string(const struct cJSON *object, const char *name);

/**
 * json_get_uint(): a member that is a whole number from 0 to 2^53.
 *
 * Return: whether it was there and is one; *@value is set only then.
 */
bool json_get_uint(const struct cJSON *object, const char *name,
                   uint64_t *value);

/** json_wipe(): zeros over every text of a tree that held secrets; for
 * cJSON_Delete() then. */
void json_wipe(struct cJSON *tree);
