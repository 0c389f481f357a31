#include "shipper/ctl/idset.h"

#include "common/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 1024 };

void
idset_init(struct idset *set, size_t most)
{
    *set = (struct idset){.most = most};
}

void
idset_deinit(struct idset *set)
{
    free(set->ids);
    free(set->seen);
    *set = (struct idset){0};
}

void
idset_clear(struct idset *set)
{
    set->count = 0;
}

static int
grow(struct idset *set)
{
    size_t room = set->room ? set->room * 2 : ROOM_LEAST;
    void *grown;

    if (room > set->most)
        room = set->most;
    grown = reallocarray(set->ids, room, IDSET_ID_SIZE);
    if (!grown)
        return -ENOMEM;
    set->ids = grown;
    set->room = room;
    return 0;
}

int
idset_add(struct idset *set, const char *id)
{
    uint8_t parsed[IDSET_ID_SIZE];
    int r = 0;

    if (!uuid_parse(parsed, id))
        return -EINVAL;
    if (set->count == set->most)
        return -ENOBUFS;
    if (set->count == set->room)
        r = grow(set);
    if (!r)
        memcpy(set->ids[set->count++], parsed, IDSET_ID_SIZE);
    return r;
}

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, IDSET_ID_SIZE);
}

int
idset_sort(struct idset *set)
{
    if (set->count)
        qsort(set->ids, set->count, IDSET_ID_SIZE, compare);
    free(set->seen);
    set->seen = calloc(set->count + 1, 1);
    return set->seen ? 0 : -ENOMEM;
}

void
idset_forget(struct idset *set)
{
    memset(set->seen, 0, set->count);
}

/* Where @id would stand: before it all are less. */
static size_t
place_of(const struct idset *set, const uint8_t id[IDSET_ID_SIZE])
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(set->ids[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int
idset_see(struct idset *set, const char *id)
{
    uint8_t parsed[IDSET_ID_SIZE];
    size_t at;

    if (!uuid_parse(parsed, id))
        return 0;
    at = place_of(set, parsed);
    if (at == set->count || compare(set->ids[at], parsed))
        return 0;
    /* Of entries with one id, each is seen once before one is seen twice. */
    while (set->seen[at] && at + 1 < set->count &&
           !compare(set->ids[at + 1], parsed))
        at++;
    if (set->seen[at] < UINT8_MAX)
        set->seen[at]++;
    return 1;
}

void
idset_sum(const struct idset *set, struct idset_sum *sum)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->seen[i] == 1) {
            sum->once++;
        } else if (!set->seen[i]) {
            if (!sum->missing++)
                uuid_print(sum->first_missing, set->ids[i]);
        } else if (!sum->more++) {
            uuid_print(sum->first_more, set->ids[i]);
        }
    }
}

uint64_t
idset_distinct(const struct idset *set, uint64_t *repeated)
{
    uint64_t distinct = 0;

    *repeated = 0;
    for (size_t i = 0, next; i < set->count; i = next) {
        next = i + 1;
        while (next < set->count && !compare(set->ids[i], set->ids[next]))
            next++;
        distinct++;
        *repeated += next - i > 1;
    }
    return distinct;
}
