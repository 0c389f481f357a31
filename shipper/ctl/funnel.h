#pragma once

#include "common/siphash.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The shop's funnel: how many events of each step there are, and of how many
 * sessions.  Sessions are told apart by 59 bits of a keyed hash, in a table
 * that grows up to a bound; a session that finds no room there is not counted,
 * and what it would have counted for is known to be "at least".
 */
enum {
    FUNNEL_STEPS = 5,
    FUNNEL_TABLE_BYTES = 16 * 1024 * 1024, /* 1.5 million sessions */
};

struct funnel_step {
    const char *name; /* the eventName */
    uint64_t events;
    uint64_t sessions;
    bool at_least; /* there were more sessions */
};

struct funnel {
    struct funnel_step steps[FUNNEL_STEPS];

    struct siphash_key key;
    uint64_t *slots; /* a hash, in its low bits the steps it was seen at */
    size_t slot_count, used;
    size_t most; /* slots */
};

/** funnel_init(): @table_bytes is a power of two. Return: 0 or an errno. */
int funnel_init(struct funnel *funnel, size_t table_bytes);
void funnel_deinit(struct funnel *funnel);

/**
 * funnel_add(): an event, if its name is one of a step; without a @session
 * (NULL data) it is one of no session.
 *
 * Return: 0 or -ENOMEM.
 */
int funnel_add(struct funnel *funnel, struct slice name, struct slice session);
