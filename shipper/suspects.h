#pragma once

#include <stddef.h>

struct batch;
struct dead_letter;

/*
 * Entries of a batch that were refused alone, each with what CloudWatch said,
 * until something proves that it is the entry which is refused.
 */
struct suspect;

struct suspects {
    struct suspect *rows;
    size_t count, room;
};

/** suspects_add(): entry @index; texts are copied.  Return: 0 or -ENOMEM. */
int suspects_add(struct suspects *suspects, size_t index, const char *code,
                 const char *message);

/** suspects_clear(): none any more; memory is freed. */
void suspects_clear(struct suspects *suspects);

/**
 * suspects_bury(): they are guilty: to the dead letters, durably, read once
 * more from the spool.  They stay as they are here.
 *
 * Return: 0, DEAD_LETTER_FULL, or a negative errno.
 */
int suspects_bury(const struct suspects *suspects, struct dead_letter *dead,
                  int dirfd, const struct batch *batch);
