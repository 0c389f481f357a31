#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON bytes looked at where they lie: RFC 8259 to the letter, UTF-8, at most
 * 32 levels, nothing allocated and nothing lost (a number stays its digits).
 * All of it is safe on any bytes; the looks are right about what
 * jsonscan_valid() has passed.
 */

/** jsonscan_valid(): whether @text is one value and nothing else. */
bool jsonscan_valid(struct slice text);

/** jsonscan_member(): the first member of that name; names may be escaped. */
bool jsonscan_member(struct slice object, struct slice name,
                     struct slice *value);

struct jsonscan_field {
    struct slice name;
    struct slice value; /* NULL data where there is no such member */
};

/**
 * jsonscan_fields(): jsonscan_member() for several names in one look.
 *
 * Return: how many were found.
 */
size_t jsonscan_fields(struct slice object, struct jsonscan_field *fields,
                       size_t count);

/** jsonscan_element(): the element @index of an array, from 0. */
bool jsonscan_element(struct slice array, size_t index, struct slice *value);
