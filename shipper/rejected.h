#pragma once

struct batch;
struct cwlogs_rejected;
struct dead_letter;

/**
 * rejected_bury(): the entries of @batch that the service did not take go to
 * the dead letters, each with its reason, read once more from the spool, which
 * keeps them until the checkpoint passes.
 *
 * Return: 0 when they are durable, DEAD_LETTER_FULL, or a negative errno.
 */
int rejected_bury(struct dead_letter *dead, int dirfd,
                  const struct batch *batch,
                  const struct cwlogs_rejected *rejected, const char *stream);
