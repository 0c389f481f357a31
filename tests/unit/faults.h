#pragma once

#include <stdbool.h>

/*
 * Failures through fileio_ops: the Nth of the calls that are watched says
 * EIO, or a write() stops half-way.
 */
enum {
    FAULTS_WRITE = 1,
    FAULTS_SYNC = 2, /* fdatasync() and fsync() */
    FAULTS_OPEN = 4,
    FAULTS_RENAME = 8,
    FAULTS_ALL = 15,
};

/** faults_fail_call(): of @kinds, the @nth call from now on; 0: none. */
void faults_fail_call(unsigned kinds, int nth, bool short_write);

/** faults_fired(): whether the call has come. */
bool faults_fired(void);

/** faults_after(): writes and syncs of a descriptor after one of its own had
 * failed. */
int faults_after(void);
