#include "shipper/ctl/census.h"

#include "common/siphash.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS = 2048 }; /* a power of two, twice as many as names */

/* The row of @name, or the free one where it belongs. */
static struct census_row *
find(const struct census *census, struct slice name)
{
    static const struct siphash_key key;
    uint64_t at = siphash(&key, name.data, name.len);

    for (;; at++) {
        struct census_row *row = &census->rows[at % SLOTS];

        if (!row->name ||
            slice_equal((struct slice){row->name, row->len}, name))
            return row;
    }
}

int
census_add(struct census *census, struct slice name)
{
    struct census_row *row;

    if (!census->rows)
        census->rows = calloc(SLOTS, sizeof(*census->rows));
    if (!census->rows)
        return -ENOMEM;
    row = find(census, name);
    if (!row->name &&
        (census->count == CENSUS_NAMES_MAX || name.len > CENSUS_NAME_LEN_MAX)) {
        census->others++;
        return 0;
    }
    if (!row->name) {
        row->name = malloc(name.len + 1);
        if (!row->name)
            return -ENOMEM;
        if (name.len)
            memcpy(row->name, name.data, name.len);
        row->name[name.len] = '\0';
        row->len = name.len;
        census->count++;
    }
    row->entries++;
    return 0;
}

static int
compare(const void *a, const void *b)
{
    const struct census_row *x = a, *y = b;

    if (x->entries != y->entries)
        return x->entries > y->entries ? -1 : 1;
    return strcmp(x->name, y->name);
}

void
census_sort(struct census *census)
{
    size_t kept = 0;

    for (size_t i = 0; census->rows && i < SLOTS; i++) {
        struct census_row row = census->rows[i];

        census->rows[i].name = NULL;
        if (row.name)
            census->rows[kept++] = row;
    }
    if (kept)
        qsort(census->rows, kept, sizeof(*census->rows), compare);
}

void
census_deinit(struct census *census)
{
    for (size_t i = 0; census->rows && i < SLOTS; i++)
        free(census->rows[i].name);
    free(census->rows);
    *census = (struct census){0};
}
