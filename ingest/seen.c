#include "ingest/seen.h"

#include "common/siphash.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 18 };

/* Slots are numbered from 1; 0 ends a chain. */
struct slot {
    uint8_t id[SEEN_ID_LEN];
    uint32_t when; /* seconds since 1970; 0: the slot is empty */
    uint32_t next;
};

/*
 * A ring of slots in the order of arrival, the oldest giving way, and chains
 * through it by hash.
 */
struct seen {
    struct siphash_key key;
    uint32_t newest; /* slot of the last arrival */
    size_t count;
    uint32_t *buckets;
    struct slot *slots;
};

struct seen *
seen_new(const uint8_t key[16])
{
    struct seen *seen = calloc(1, sizeof(*seen));

    if (!seen)
        return NULL;
    memcpy(&seen->key, key, sizeof(seen->key));
    /* calloc() of that size is fresh zero pages, not yet memory. */
    seen->buckets = calloc(BUCKETS, sizeof(*seen->buckets));
    seen->slots = calloc(SEEN_MAX + 1, sizeof(*seen->slots));
    if (!seen->buckets || !seen->slots) {
        seen_free(seen);
        return NULL;
    }
    return seen;
}

void
seen_free(struct seen *seen)
{
    if (!seen)
        return;
    free(seen->buckets);
    free(seen->slots);
    free(seen);
}

static uint32_t *
bucket_of(const struct seen *seen, const uint8_t *id)
{
    return &seen->buckets[siphash(&seen->key, id, SEEN_ID_LEN) % BUCKETS];
}

/* Return: the link that points at @id's slot, or at 0. */
static uint32_t *
find(const struct seen *seen, const uint8_t *id)
{
    uint32_t *link = bucket_of(seen, id);

    while (*link && memcmp(seen->slots[*link].id, id, SEEN_ID_LEN))
        link = &seen->slots[*link].next;
    return link;
}

static bool
is_young(const struct slot *slot, int64_t now_s)
{
    return slot->when > now_s - SEEN_AGE_S;
}

static void
unlink_slot(struct seen *seen, uint32_t *link)
{
    struct slot *slot = &seen->slots[*link];

    *link = slot->next;
    *slot = (struct slot){0};
    seen->count--;
}

bool
seen_has(const struct seen *seen, const uint8_t id[SEEN_ID_LEN], int64_t now_s)
{
    uint32_t slot = *find(seen, id);

    return slot && is_young(&seen->slots[slot], now_s);
}

void
seen_remove(struct seen *seen, const uint8_t id[SEEN_ID_LEN])
{
    uint32_t *link = find(seen, id);

    if (*link)
        unlink_slot(seen, link);
}

bool
seen_add(struct seen *seen, const uint8_t id[SEEN_ID_LEN], int64_t now_s)
{
    uint32_t *link = find(seen, id);
    struct slot *slot;

    if (*link && is_young(&seen->slots[*link], now_s))
        return false;
    if (*link) /* known, but too long ago */
        unlink_slot(seen, link);

    seen->newest = seen->newest % SEEN_MAX + 1;
    slot = &seen->slots[seen->newest];
    if (slot->when) { /* the oldest gives way; its chain may be this one */
        seen_remove(seen, slot->id);
        link = bucket_of(seen, id);
    }
    memcpy(slot->id, id, SEEN_ID_LEN);
    slot->when = (uint32_t)now_s;
    slot->next = *link;
    *link = seen->newest;
    seen->count++;
    return true;
}

size_t
seen_count(const struct seen *seen)
{
    return seen->count;
}
