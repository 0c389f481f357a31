#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Places in the spool as people name them.
 */

/**
 * place_segment(): "42" or "00000000000000000042.ndjson", perhaps with a path
 * before it.
 *
 * Return: the number, or 0 where it is neither.
 */
uint64_t place_segment(const char *text);

/** place_parse(): "SEGMENT:OFFSET". Return: whether it is one. */
bool place_parse(const char *text, struct spool_position *position);
