#pragma once

#include "common/slice.h"

#include <stdint.h>

/*
 * What an operator's question has to be looked up for: the spool's folder, and
 * what shipper last said there.
 */
struct admin_spool {
    uint64_t bytes; /* of all segments */
    uint64_t segments;
    uint64_t unshipped; /* bytes */
    int64_t oldest_ms;  /* ts of the oldest unshipped entry; 0: there is none */
};

/** admin_look_spool(): at the folder and the checkpoint. */
void admin_look_spool(struct admin_spool *spool, int dirfd);

/** A small file of shipper's, as it is; free() its text. */
struct admin_file {
    char *text; /* NULL: there is none */
    size_t len;
    int64_t age_s;
};

void admin_look_file(struct admin_file *file, int dirfd, const char *name);
