#pragma once

#include <stdint.h>

/**
 * when_parse(): a moment as people give it: how long ago (`2h30m`, `45s`,
 * `1d12h`; units ms s m h d, in falling order) counted back from @now, or
 * RFC 3339 (`2026-01-02T03:04:05Z`).  Times are in ms since 1970.
 *
 * Return: 0 with *@ms, or -EINVAL.
 */
int when_parse(const char *text, int64_t now, int64_t *ms);
