#include "shipper/ctl/funnel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static const char *const names[FUNNEL_STEPS] = {
    "page_view",      "product_view",      "add_to_cart",
    "checkout_start", "checkout_complete",
};

enum { SLOTS_FIRST = 1024 };

#define SEEN_MASK ((UINT64_C(1) << FUNNEL_STEPS) - 1)

int
funnel_init(struct funnel *funnel, size_t table_bytes)
{
    *funnel = (struct funnel){.most = table_bytes / sizeof(*funnel->slots)};
    for (size_t i = 0; i < FUNNEL_STEPS; i++)
        funnel->steps[i].name = names[i];
    return getrandom(&funnel->key, sizeof(funnel->key), 0) < 0 ? -errno : 0;
}

void
funnel_deinit(struct funnel *funnel)
{
    free(funnel->slots);
    funnel->slots = NULL;
}

/* The slot of @hash, or the free one where it belongs; some are free. */
static uint64_t *
find(const struct funnel *funnel, uint64_t hash)
{
    size_t mask = funnel->slot_count - 1;
    size_t at = (size_t)(hash >> FUNNEL_STEPS) & mask;

    while (funnel->slots[at] && (funnel->slots[at] ^ hash) & ~SEEN_MASK)
        at = (at + 1) & mask;
    return &funnel->slots[at];
}

/* A fuller table is a slow one. */
static bool
is_full(const struct funnel *funnel)
{
    return funnel->used >= funnel->slot_count / 4 * 3;
}

static int
grow(struct funnel *funnel)
{
    uint64_t *old = funnel->slots;
    size_t count = funnel->slot_count;

    funnel->slot_count = count ? count * 2 : SLOTS_FIRST;
    if (funnel->slot_count > funnel->most)
        funnel->slot_count = funnel->most;
    funnel->slots = calloc(funnel->slot_count, sizeof(*funnel->slots));
    for (size_t i = 0; funnel->slots && i < count; i++)
        if (old[i])
            *find(funnel, old[i]) = old[i];
    free(old);
    return funnel->slots ? 0 : -ENOMEM;
}

static int
add_session(struct funnel *funnel, size_t step, struct slice session)
{
    uint64_t hash = siphash(&funnel->key, session.data, session.len);
    uint64_t *slot, seen = UINT64_C(1) << step;
    int r = 0;

    if (is_full(funnel) && funnel->slot_count < funnel->most)
        r = grow(funnel);
    if (r < 0)
        return r;
    slot = find(funnel, hash);
    if (!*slot && is_full(funnel)) {
        funnel->steps[step].at_least = true;
        return 0;
    }
    if (!*slot) {
        *slot = hash & ~SEEN_MASK;
        funnel->used++;
    }
    funnel->steps[step].sessions += !(*slot & seen);
    *slot |= seen;
    return 0;
}

int
funnel_add(struct funnel *funnel, struct slice name, struct slice session)
{
    size_t step = 0;

    while (step < FUNNEL_STEPS && !slice_is(name, names[step]))
        step++;
    if (step == FUNNEL_STEPS)
        return 0;
    funnel->steps[step].events++;
    return session.data ? add_session(funnel, step, session) : 0;
}
