#pragma once

#include "common/slice.h"

#include <stdbool.h>

/*
 * What one JSON value says, told from its bytes.  Safe on any bytes, and right
 * about what jsonscan_valid() has passed.
 */

/**
 * jsonvalue_equals(): whether a string says @text once unescaped, or a number,
 * true, false or null is written so.  Numbers with a point or an exponent are
 * compared by value, so that 10.50 equals 10.5; whole ones by their digits.
 */
bool jsonvalue_equals(struct slice value, struct slice text);

/** jsonvalue_number(): a number, if a double can hold it. */
bool jsonvalue_number(struct slice value, double *number);
