/*
 * LD_PRELOAD: fails one call of the spool writer, counted over the process, or
 * all of them for a while.
 *
 *     FAULT_CALL    write, fdatasync, openat or fsync
 *     FAULT_NTH     which of its calls fails, from 1; 0: none
 *     FAULT_EVERY   each so manieth fails
 *     FAULT_ERRNO   EIO, ENOSPC, "short" (write stops half-way), or "kill" (the
 *                   process is gone before the call)
 *     FAULT_DIR     only files and folders below this path are counted
 *     FAULT_COUNT   a file that is given the number of calls at exit
 *     FAULT_SUFFIX  files whose names end so are counted; default .ndjson
 *     FAULT_WHILE   every call fails for as long as this file is there
 *
 * Only descriptors that lead below FAULT_DIR count, so that sockets, logs and
 * libraries go on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

/* ISO C has no cast from an object's address to a function's. */
static void
find_next(void *function, const char *symbol)
{
    void *found = dlsym(RTLD_NEXT, symbol);

    memcpy(function, &found, sizeof(found));
}

static const char *
setting(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

static bool
below(int fd)
{
    const char *dir = setting("FAULT_DIR");
    char link[64], path[PATH_MAX];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    if (n < 0 || !*dir)
        return false;
    path[n] = '\0';
    return !strncmp(path, dir, strlen(dir));
}

/* Segments are what the writer's promises are about; `synced`, locks and what
 * shipper keeps beside them are counted where FAULT_SUFFIX names them. */
static bool
is_chosen(int fd)
{
    const char *suffix = setting("FAULT_SUFFIX");
    char link[64], path[PATH_MAX];
    size_t len;
    ssize_t n;

    if (!*suffix)
        suffix = ".ndjson";
    len = strlen(suffix);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    return n > (ssize_t)len && !strncmp(path + n - len, suffix, len);
}

static bool
is_due(void)
{
    long number, every = atol(setting("FAULT_EVERY"));

    if (*setting("FAULT_WHILE"))
        return access(setting("FAULT_WHILE"), F_OK) == 0;
    number = atomic_fetch_add(&calls, 1) + 1;
    return every ? number % every == 0 : number == atol(setting("FAULT_NTH"));
}

static bool
strikes(const char *call)
{
    if (strcmp(setting("FAULT_CALL"), call) || !is_due())
        return false;
    if (!strcmp(setting("FAULT_ERRNO"), "kill"))
        (void)raise(SIGKILL);
    return true;
}

static int
fault_errno(void)
{
    return strcmp(setting("FAULT_ERRNO"), "ENOSPC") ? EIO : ENOSPC;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    ssize_t (*next)(int, const void *, size_t);

    find_next(&next, "write");
    if (below(fd) && is_chosen(fd) && strikes("write")) {
        if (!strcmp(setting("FAULT_ERRNO"), "short"))
            return next(fd, bytes, len / 2);
        errno = fault_errno();
        return -1;
    }
    return next(fd, bytes, len);
}

/* After a failed sync the kernel forgets that the pages are dirty: the data
 * stays readable, and the disk never gets it. */
int
fdatasync(int fd)
{
    int (*next)(int);

    find_next(&next, "fdatasync");
    if (below(fd) && is_chosen(fd) && strikes("fdatasync")) {
        errno = fault_errno();
        return -1;
    }
    return next(fd);
}

int
fsync(int fd)
{
    int (*next)(int);

    find_next(&next, "fsync");
    if (below(fd) && strikes("fsync")) {
        errno = fault_errno();
        return -1;
    }
    return next(fd);
}

static int
open_below(const char *symbol, int dirfd, const char *name, int flags,
           mode_t mode)
{
    int (*next)(int, const char *, int, ...);

    find_next(&next, symbol);
    if (flags & O_CREAT && strstr(name, ".ndjson") && below(dirfd) &&
        strikes("openat")) {
        errno = fault_errno();
        return -1;
    }
    return next(dirfd, name, flags, mode);
}

int
openat(int dirfd, const char *name, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    return open_below("openat", dirfd, name, flags, mode);
}

int
openat64(int dirfd, const char *name, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    return open_below("openat64", dirfd, name, flags, mode);
}

__attribute__((destructor)) static void
tell_count(void)
{
    FILE *file = *setting("FAULT_COUNT") ? fopen(setting("FAULT_COUNT"), "w")
                                         : NULL;

    if (file) {
        fprintf(file, "%ld\n", atomic_load(&calls));
        (void)fclose(file);
    }
}
