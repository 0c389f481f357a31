#pragma once

#include "common/slice.h"

#include <stddef.h>
#include <stdint.h>

/*
 * How many entries there are of each name.  Names come from entries, so there
 * may be any number of them: those past CENSUS_NAMES_MAX, and longer ones than
 * CENSUS_NAME_LEN_MAX, are counted together.
 */
enum { CENSUS_NAMES_MAX = 1000, CENSUS_NAME_LEN_MAX = 512 };

struct census_row {
    char *name; /* NULL: none */
    size_t len;
    uint64_t entries;
};

struct census {
    struct census_row *rows; /* a hash table until census_sort() */
    size_t count;
    uint64_t others;
};

/** census_add(): one entry more of @name. Return: 0 or -ENOMEM. */
int census_add(struct census *census, struct slice name);

/**
 * census_sort(): the first @count rows are the names, those with most entries
 * first, and by name where there are equally many.  Nothing can be added then.
 */
void census_sort(struct census *census);
void census_deinit(struct census *census);
