#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct histogram;

/*
 * Prometheus's text exposition format, version 0.0.4.  Pure, but for the
 * process's own figures.  Names get the prefix clickspool_.
 */

/** metrics_family(): HELP and TYPE ("counter", "gauge", "histogram"). */
void metrics_family(struct buf *out, const char *name, const char *type,
                    const char *help);

/** metrics_number(): a sample; @labels are `a="b",c="d"`, or "". */
void metrics_number(struct buf *out, const char *name, const char *labels,
                    double value);

/** metrics_count(): the same of a whole number. */
void metrics_count(struct buf *out, const char *name, const char *labels,
                   uint64_t value);

/** metrics_histogram(): buckets, sum and count; @unit is what one of the
 * histogram's units is in the base unit (1e-6: it counts microseconds). */
void metrics_histogram(struct buf *out, const char *name, const char *labels,
                       const struct histogram *histogram, double unit);

/**
 * metrics_both(): families that both daemons have (build_info,
 * config_last_reload_successful, process_*), told apart by the label
 * `program`.  Of the other daemon's exposition, @other (may be empty), the
 * samples of these families follow ours.
 */
struct metrics_self {
    const char *program;
    bool reloaded; /* the last reload was good, or there was none */
};

void metrics_both(struct buf *out, const struct metrics_self *self,
                  struct slice other);

/** metrics_rest(): what @other has beside these families. */
void metrics_rest(struct buf *out, struct slice other);
