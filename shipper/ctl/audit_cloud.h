#pragma once

#include "shipper/ctl/idset.h"

#include <stdbool.h>
#include <stdint.h>

struct ctl;
struct shipped;

/*
 * What CloudWatch holds of the entries that shipper has passed and that are
 * still in the spool, counted by eventId.  Neither dead letters nor entries of
 * logCategory `clickspool` are looked for, nor what CloudWatch keeps no longer.
 *
 * Memory is bounded: ids are taken from the spool in groups of at most
 * IDSET_MAX, and for each group CloudWatch is read over the group's own time.
 */
struct audit_cloud {
    uint64_t expected;
    uint64_t expired;    /* older than the group's retention: not looked for */
    uint64_t dead;       /* not looked for either */
    uint64_t unreadable; /* entries whose eventId is none: likewise */
    uint64_t others;     /* events that are none of these entries */
    struct idset_sum sum;
    int64_t first_ms, last_ms; /* of the entries; 0: there is none */
    bool group_missing;        /* there is no such log group */
};

/**
 * audit_cloud_count(): before the position in @shipped.  What is missing is
 * looked for again until a look that began [shipper] resolve_wait after the
 * checkpoint was written, as CloudWatch shows new events late.
 *
 * Return: 0, or an exit code, told.
 */
int audit_cloud_count(struct audit_cloud *cloud, struct ctl *ctl,
                      const struct shipped *shipped);
