#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The window of known eventIds: the newest SEEN_MAX of them, none older than
 * SEEN_AGE_S.  A browser that sends an event again within it is told that the
 * event is known, and nothing is stored twice.
 *
 * Ids enter when their entry is on its way to the disk and are taken out again
 * if that fails.  24 bytes an id, in memory that is touched as ids come.
 */
enum {
    SEEN_MAX = 250000,
    SEEN_AGE_S = 24 * 60 * 60,
    SEEN_ID_LEN = 16,
};

struct seen;

/** seen_new(): an empty window; @key (16 random bytes) guards its table. */
struct seen *seen_new(const uint8_t key[16]);
void seen_free(struct seen *seen);

/** seen_add(): Return: whether @id is new; it is known from now on. */
bool seen_add(struct seen *seen, const uint8_t id[SEEN_ID_LEN], int64_t now_s);

bool seen_has(const struct seen *seen, const uint8_t id[SEEN_ID_LEN],
              int64_t now_s);

/** seen_remove(): its entry was not stored after all. */
void seen_remove(struct seen *seen, const uint8_t id[SEEN_ID_LEN]);

/** seen_count(): ids held, expired ones among them. */
size_t seen_count(const struct seen *seen);
