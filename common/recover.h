#pragma once

#include <stdint.h>

struct synced;

/*
 * Where the good bytes of the highest segment end, when its writer is gone.
 * ingest asks at its start, and shipper while no ingest lives, so that both
 * come to the same place.
 */
struct recovered {
    uint64_t end;     /* the offset behind the last acknowledged line */
    uint64_t entries; /* lines before it, the control line not counted */
    int64_t last_ts;  /* of the last of them, or of the control line */
};

/**
 * recover_end(): of segment @number.  Where @synced (which may be NULL) names
 * it in this boot, its offset is the end, to the byte; otherwise the end of
 * the last good line is: what a torn tail holds was never acknowledged.
 *
 * Return: 0, SPOOL_VOID or SPOOL_UNKNOWN (common/spool.h), or an errno.
 */
int recover_end(int dirfd, uint64_t number, const struct synced *synced,
                struct recovered *out);
