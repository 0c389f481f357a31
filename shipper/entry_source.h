#pragma once

#include "common/buf.h"
#include "common/slice.h"
#include "common/spool.h"

#include <stdint.h>

/*
 * Entries of the spool, once more, by their places: the spool keeps them until
 * the checkpoint passes.  Read in order, one open segment serves a run.
 */
struct entry_source {
    int dirfd, fd;
    uint64_t segment;
    struct buf line;
};

/** entry_source_init(): @dirfd is borrowed; entry_source_deinit() is due. */
void entry_source_init(struct entry_source *source, int dirfd);
void entry_source_deinit(struct entry_source *source);

/**
 * entry_source_read(): the @len bytes of the line at @position, without its
 * newline; *@line is good until the next call.  Return: 0 or a negative errno.
 */
int entry_source_read(struct entry_source *source,
                      struct spool_position position, uint32_t len,
                      struct slice *line);
