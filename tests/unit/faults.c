#include "tests/unit/faults.h"

#include "common/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    unsigned kinds;
    int left; /* calls until the failing one */
    bool short_write;
    bool fired;
    int failed_fd; /* whose write or sync failed; -1: none, or closed since */
    int after;
} faults = {.failed_fd = -1};

static bool
strikes(unsigned kind, int fd)
{
    if (fd >= 0 && fd == faults.failed_fd)
        faults.after++;
    if (!(faults.kinds & kind) || !faults.left || --faults.left)
        return false;
    faults.fired = true;
    if (kind == FAULTS_WRITE || kind == FAULTS_SYNC)
        faults.failed_fd = fd;
    errno = EIO;
    return true;
}

static ssize_t
failing_write(int fd, const void *bytes, size_t len)
{
    if (!strikes(FAULTS_WRITE, fd))
        return write(fd, bytes, len);
    return faults.short_write ? write(fd, bytes, len / 2) : -1;
}

static int
failing_fdatasync(int fd)
{
    return strikes(FAULTS_SYNC, fd) ? -1 : fdatasync(fd);
}

static int
failing_fsync(int fd)
{
    return strikes(FAULTS_SYNC, -1) ? -1 : fsync(fd);
}

static int
failing_openat(int dirfd, const char *name, int flags, ...)
{
    va_list args;
    int mode, fd;

    va_start(args, flags);
    mode = va_arg(args, int);
    va_end(args);
    fd = strikes(FAULTS_OPEN, -1) ? -1 : openat(dirfd, name, flags, mode);
    if (fd >= 0 && fd == faults.failed_fd)
        faults.failed_fd = -1; /* it was closed; this is another file */
    return fd;
}

static int
failing_renameat(int olddir, const char *old, int newdir, const char *new)
{
    return strikes(FAULTS_RENAME, -1) ? -1
                                      : renameat(olddir, old, newdir, new);
}

void
faults_fail_call(unsigned kinds, int nth, bool short_write)
{
    faults.kinds = kinds;
    faults.left = nth;
    faults.short_write = short_write;
    faults.fired = false;
    faults.failed_fd = -1;
    faults.after = 0;
    fileio_ops = (struct fileio_ops){
        .write = failing_write,
        .fdatasync = failing_fdatasync,
        .fsync = failing_fsync,
        .openat = failing_openat,
        .renameat = failing_renameat,
    };
}

bool
faults_fired(void)
{
    return faults.fired;
}

int
faults_after(void)
{
    return faults.after;
}
