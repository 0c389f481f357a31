#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * A bar on stderr for reads that take more than a second, where stderr is a
 * terminal; it is wiped at the end.
 */
struct progress {
    const char *label;
    uint64_t total; /* bytes to come */
    uint64_t done;
    int64_t started_us;
    int64_t shown_us; /* 0: nothing is shown */
    bool wanted;
};

/** progress_init(): @wanted is false where the bar would be in the way. */
void progress_init(struct progress *progress, const char *label, uint64_t total,
                   bool wanted);

/** progress_add(): @bytes more were read; cheap enough for every line. */
void progress_add(struct progress *progress, uint64_t bytes);

/** progress_wipe(): make room for a line; the next step shows it again. */
void progress_wipe(struct progress *progress);
