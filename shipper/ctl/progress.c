#include "shipper/ctl/progress.h"

#include "common/clock.h"
#include "shipper/ctl/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    AFTER_US = 1000000,
    EVERY_US = 200000,
    STEP_BYTES = 1024 * 1024, /* the clock is looked at this often */
    BAR_WIDTH = 24,
};

void
progress_init(struct progress *progress, const char *label, uint64_t total,
              bool wanted)
{
    *progress = (struct progress){
        .label = label,
        .total = total,
        .started_us = clock_mono_us(),
        .wanted = wanted && isatty(STDERR_FILENO),
    };
}

static void
show(const struct progress *progress, int64_t now)
{
    char done[PRINT_SIZE], total[PRINT_SIZE], left[PRINT_SIZE];
    double part =
        progress->total ? (double)progress->done / (double)progress->total : 1;
    double spent = (double)(now - progress->started_us) / 1000;
    int full;

    if (part > 1)
        part = 1;
    full = (int)(part * BAR_WIDTH);
    fprintf(stderr, "\r%s [%.*s%*s] %3d%%  %s of %s, %s left\033[K",
            progress->label, full, "########################", BAR_WIDTH - full,
            "", (int)(part * 100), print_bytes(progress->done, done),
            print_bytes(progress->total, total),
            print_span(part > 0 ? (int64_t)(spent / part - spent) : 0, left));
    fflush(stderr);
}

void
progress_add(struct progress *progress, uint64_t bytes)
{
    uint64_t before = progress->done;
    int64_t now;

    progress->done += bytes;
    if (!progress->wanted || before / STEP_BYTES == progress->done / STEP_BYTES)
        return;
    now = clock_mono_us();
    if (now - progress->started_us < AFTER_US ||
        now - progress->shown_us < EVERY_US)
        return;
    progress->shown_us = now;
    show(progress, now);
}

void
progress_wipe(struct progress *progress)
{
    if (progress->shown_us)
        fputs("\r\033[K", stderr);
    progress->shown_us = 0;
}
