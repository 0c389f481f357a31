#pragma once

#include "common/slice.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * dead-letter.ndjson: what cannot be delivered, verbatim, and why.  A letter
 * is named by the place of its entry in the spool:
 *
 *     {"reason":"refused","code":"InvalidParameterException",
 *      "message":"CloudWatch's own words",…}
 *     {"reason":"too_old","code":null,"failedAt":"…","segment":"…41.ndjson",
 *      "offset":1234,"entry":{…}}
 *     {"reason":"bad_bytes","code":null,"failedAt":"…","segment":"…",
 *      "offset":1234,"length":77,"entry":null,"base64":"first 4 KiB"}
 *
 * Append-only.  After a failed write or sync, or behind a torn end, the next
 * file begins (dead-letter.2.ndjson, and so on): what was promised stands in a
 * file that never failed.  A letter that could not be written is tried again,
 * so one may stand in two files; its name is the same.
 *
 * What an operator did about a letter is a line of its own:
 *
 *     {"resolved":"dropped","segment":"…","offset":1234}   or "retried"
 *
 * Files in which all is resolved, and whose segments are gone, are removed,
 * but for the last one.
 */
struct dead_letter;

enum {
    DEAD_LETTER_FULL = 1,       /* [shipper] dead_max_size is reached */
    DEAD_LETTER_BAD_MAX = 4096, /* bytes of a bad run that are kept */
};

#define DEAD_LETTER_LOCK "dead-letter.lock"

/**
 * dead_letter_open(): reads the letters there are.  Those of entries at or
 * behind @from, the checkpoint's position, were written just before a crash
 * and are not written again.
 */
int dead_letter_open(struct dead_letter **dead, int dirfd, uint64_t max_size,
                     struct spool_position from);
void dead_letter_close(struct dead_letter *dead);

/** Why an entry cannot be delivered; borrowed. */
struct dead_letter_why {
    const char *reason;  /* one of ours */
    const char *code;    /* CloudWatch's, or NULL */
    const char *message; /* its own words, or NULL */
};

/** dead_letter_add(): gathers a letter; nothing is on disk yet. */
int dead_letter_add(struct dead_letter *dead, const struct dead_letter_why *why,
                    struct spool_position position, struct slice entry,
                    int64_t now_ms);

/** dead_letter_add_bad(): the same for a run of @len bad bytes. */
int dead_letter_add_bad(struct dead_letter *dead,
                        struct spool_position position, uint64_t len,
                        int64_t now_ms);

/**
 * dead_letter_resolve(): make durable what an operator did: @lines are of the
 * second kind.  dead_max_size does not hold it, as it makes room.  Doing it
 * twice is doing it once.
 *
 * Return: 0 or a negative errno.
 */
int dead_letter_resolve(struct dead_letter *dead, struct slice lines,
                        struct spool_position from);

/**
 * dead_letter_sync(): make durable what was gathered.
 *
 * Return: 0, DEAD_LETTER_FULL, or a negative errno.  What was gathered is gone
 * in any case: after a failure it is added again, from the spool.
 */
int dead_letter_sync(struct dead_letter *dead);

/** dead_letter_tidy(): remove the files that are settled, where the spool
 * holds nothing before segment @lowest. */
void dead_letter_tidy(struct dead_letter *dead, uint64_t lowest);

/** dead_letter_keeps(): @segment holds bad bytes that nobody dropped yet. */
bool dead_letter_keeps(const struct dead_letter *dead, uint64_t segment);

/** dead_letter_highest(): the highest segment that a letter behind the
 * checkpoint was of, files of retry/ among them, or 0. */
uint64_t dead_letter_highest(const struct dead_letter *dead);
