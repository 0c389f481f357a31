#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The calls whose failure matters to a promise, in one table, so that tests
 * can fail each of them.  Everything returns 0 (or a count) or a negative
 * errno; EINTR is dealt with here.
 */
struct fileio_ops {
    ssize_t (*write)(int fd, const void *bytes, size_t len);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*openat)(int dirfd, const char *name, int flags, ...);
    int (*renameat)(int olddir, const char *old, int newdir, const char *new);
};
extern struct fileio_ops fileio_ops;

/** fileio_umask(): files of the spool are 0660, its folders 2770. */
void fileio_umask(void);

/** fileio_open_dir(): a folder's descriptor, for the *at() calls. */
int fileio_open_dir(const char *path);

/** fileio_open(): O_CLOEXEC and mode 0660 are added. */
int fileio_open(int dirfd, const char *name, int flags);

/**
 * fileio_write_all(): all of it, or a negative errno and any part of it.  A
 * call that writes nothing at all is -EIO.
 */
int fileio_write_all(int fd, const void *bytes, size_t len);

int fileio_datasync(int fd);
int fileio_sync(int fd);

/** fileio_size(): the file's length in bytes. */
int64_t fileio_size(int fd);

/** fileio_read_at(): up to @len bytes; fewer only at the end of the file. */
ssize_t fileio_read_at(int fd, void *bytes, size_t len, uint64_t offset);

/**
 * fileio_read_all(): a whole file of at most @limit bytes, NUL-terminated.
 *
 * Return: 0 with *@bytes (for free()) and *@len, -EFBIG, or another errno.
 */
int fileio_read_all(int dirfd, const char *name, size_t limit, char **bytes,
                    size_t *len);

/**
 * fileio_replace(): whichever call fails, and wherever power is cut, a reader
 * finds the old contents or the new, never a mix; 0 means the new are durable.
 * Works through NAME.new beside it: one writer only.
 */
int fileio_replace(int dirfd, const char *name, const void *bytes, size_t len);

/**
 * fileio_lock(): open or create @name and hold it until the descriptor is
 * closed (an open file description lock: it dies with its holder).
 *
 * Return: the descriptor, -EAGAIN where another holds it, or another errno.
 */
int fileio_lock(int dirfd, const char *name);

/** fileio_locked(): 1 where another process holds @name, 0, or an errno. */
int fileio_locked(int dirfd, const char *name);
