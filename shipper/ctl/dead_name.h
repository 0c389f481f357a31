#pragma once

#include <stdbool.h>

struct letter;
struct letter_line;

/*
 * Names of dead letters: SEGMENT:OFFSET as `dead ls` prints it (the segment
 * may be short, 41:1234), or an eventId, which may be that of several.
 */

/** dead_name_ok(): whether @name is of one of the two forms. */
bool dead_name_ok(const char *name);

/** dead_name_is(): whether @name, a good one, means that letter. */
bool dead_name_is(const char *name, const struct letter *letter,
                  const struct letter_line *line);
