#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * eventIds in 16 bytes each, in an array that is sorted once it is whole; and,
 * where something is compared with them, how often each was seen.  An id that
 * was added twice stands for two entries.  Pure.
 */
enum {
    IDSET_ID_SIZE = 16,
    IDSET_MAX = 4 * 1024 * 1024, /* 64 MiB, and 4 for what was seen */
};

struct idset {
    uint8_t (*ids)[IDSET_ID_SIZE];
    uint8_t *seen; /* after idset_sort(), one for each */
    size_t count, room;
    size_t most; /* never more than these */
};

void idset_init(struct idset *set, size_t most);
void idset_deinit(struct idset *set);

/** idset_clear(): forget the ids, keep the memory. */
void idset_clear(struct idset *set);

/**
 * idset_add(): the 36 characters of a UUID, in either case.
 *
 * Return: 0, -EINVAL where they are none, -ENOBUFS where it is full, or
 * -ENOMEM.
 */
int idset_add(struct idset *set, const char *id);

/** idset_sort(): to be called once all are in.  Return: 0 or -ENOMEM. */
int idset_sort(struct idset *set);

/** idset_see(): note that an event of that id was seen.
 * Return: 1, or 0 where it is none of these. */
int idset_see(struct idset *set, const char *id);

/** idset_forget(): nothing was seen. */
void idset_forget(struct idset *set);

struct idset_sum {
    uint64_t once;
    uint64_t missing;
    uint64_t more; /* than once */
    /* In lower case; "" where there is none. */
    char first_missing[37], first_more[37];
};

/** idset_sum(): add to @sum how often each was seen. */
void idset_sum(const struct idset *set, struct idset_sum *sum);

/** idset_distinct(): how many different ids were added; *@repeated is how many
 * of them more than once. */
uint64_t idset_distinct(const struct idset *set, uint64_t *repeated);
