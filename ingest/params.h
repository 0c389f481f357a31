#pragma once

#include "common/slice.h"

#include <stdbool.h>

/*
 * The parameters of a query as forms write them: NAME=VALUE&…, with %XX and +
 * for a blank.  Pure.
 */
enum {
    PARAMS_POINTS_MAX = 128, /* code points of a decoded value */
    PARAMS_VALUE_MAX = 4 * PARAMS_POINTS_MAX, /* its bytes, UTF-8 or not */
};

struct param {
    struct slice name; /* as it stands in the query */
    char value[PARAMS_VALUE_MAX];
    size_t len;
};

/**
 * params_next(): the next one that is not empty, taken off *@query.
 *
 * Return: 1 with *@param, 0 at the end, -1 for a value that is too long or
 * badly written.
 */
int params_next(struct slice *query, struct param *param);

/** params_count(): a whole number of 1 to @most.  Return: whether it is one. */
bool params_count(const struct param *param, size_t most, size_t *count);
