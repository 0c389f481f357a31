#include "shipper/witness.h"

#include <stdlib.h>
#include <string.h>

struct sought {
    int64_t ts;
    char id[LINE_ID_LEN];
    uint32_t index;
};

struct witness {
    size_t count, seen_count;
    bool sorted;
    bool *seen; /* by index */
    struct sought sought[];
};

struct witness *
witness_new(size_t count)
{
    struct witness *witness =
        calloc(1, sizeof(*witness) + count * sizeof(struct sought));

    if (!witness)
        return NULL;
    witness->seen = calloc(count, sizeof(*witness->seen));
    if (!witness->seen) {
        free(witness);
        return NULL;
    }
    return witness;
}

void
witness_free(struct witness *witness)
{
    if (!witness)
        return;
    free(witness->seen);
    free(witness);
}

/* Return: whether the message may be a line of a spool. */
static bool
identify(struct sought *sought, int64_t ts, struct slice line)
{
    const char *id;

    *sought = (struct sought){.ts = ts};
    if (line.len < LINE_MIN - 1)
        return false;
    id = line_event_id(line.data, line.len + 1);
    if (id)
        memcpy(sought->id, id, LINE_ID_LEN);
    else
        memcpy(sought->id, line.data + LINE_CRC_AT, LINE_CRC_LEN);
    return true;
}

void
witness_seek(struct witness *witness, int64_t ts, struct slice line)
{
    struct sought *sought = &witness->sought[witness->count];

    (void)identify(sought, ts, line);
    sought->index = (uint32_t)witness->count++;
}

static int
compare_key(const struct sought *a, const struct sought *b)
{
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    return memcmp(a->id, b->id, LINE_ID_LEN);
}

static int
compare(const void *a, const void *b)
{
    return compare_key(a, b);
}

void
witness_look(struct witness *witness)
{
    if (!witness->sorted)
        qsort(witness->sought, witness->count, sizeof(*witness->sought),
              compare);
    witness->sorted = true;
    memset(witness->seen, 0, witness->count * sizeof(*witness->seen));
    witness->seen_count = 0;
}

/* Return: the first that is not less than @key. */
static size_t
find(const struct witness *witness, const struct sought *key)
{
    size_t from = 0, to = witness->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (compare_key(&witness->sought[middle], key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void
witness_see(struct witness *witness, int64_t ts, struct slice message)
{
    struct sought key;

    if (!identify(&key, ts, message))
        return;
    for (size_t i = find(witness, &key); i < witness->count; i++) {
        const struct sought *sought = &witness->sought[i];

        if (compare_key(sought, &key))
            return;
        if (witness->seen[sought->index])
            continue;
        witness->seen[sought->index] = true;
        witness->seen_count++;
        return;
    }
}

bool
witness_saw(const struct witness *witness, size_t index)
{
    return witness->seen[index];
}

size_t
witness_count(const struct witness *witness)
{
    return witness->seen_count;
}
