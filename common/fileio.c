#include "common/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0660, UMASK = 0007 };

struct fileio_ops fileio_ops = {
    .write = write,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .openat = openat,
    .renameat = renameat,
};

void
fileio_umask(void)
{
    (void)umask(UMASK);
}

int
fileio_open(int dirfd, const char *name, int flags)
{
    int fd;

    do
        fd = fileio_ops.openat(dirfd, name, flags | O_CLOEXEC, FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int
fileio_open_dir(const char *path)
{
    return fileio_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

int
fileio_write_all(int fd, const void *bytes, size_t len)
{
    const char *next = bytes;

    while (len) {
        ssize_t n = fileio_ops.write(fd, next, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        next += n;
        len -= (size_t)n;
    }
    return 0;
}

int
fileio_datasync(int fd)
{
    return fileio_ops.fdatasync(fd) < 0 ? -errno : 0;
}

int
fileio_sync(int fd)
{
    return fileio_ops.fsync(fd) < 0 ? -errno : 0;
}

int64_t
fileio_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

ssize_t
fileio_read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
    char *next = bytes;
    size_t left = len;

    while (left) {
        ssize_t n = pread(fd, next, left, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        next += n;
        offset += (uint64_t)n;
        left -= (size_t)n;
    }
    return (ssize_t)(len - left);
}

int
fileio_read_all(int dirfd, const char *name, size_t limit, char **bytes,
                size_t *len)
{
    char *data = NULL;
    ssize_t n;
    int64_t size;
    int r, fd;

    fd = fileio_open(dirfd, name, O_RDONLY);
    if (fd < 0)
        return fd;

    size = fileio_size(fd);
    r = size < 0 ? (int)size : -EFBIG;
    if (size < 0 || (uint64_t)size > limit)
        goto out;

    r = -ENOMEM;
    data = malloc((size_t)size + 1);
    if (!data)
        goto out;

    n = fileio_read_at(fd, data, (size_t)size, 0);
    r = n < 0 ? (int)n : 0;
    if (r < 0)
        goto out;

    data[n] = '\0';
    *bytes = data;
    *len = (size_t)n;
    data = NULL;

out:
    free(data);
    (void)close(fd);
    return r;
}

int
fileio_replace(int dirfd, const char *name, const void *bytes, size_t len)
{
    char tmp[NAME_MAX + 1];
    int fd, r;

    r = snprintf(tmp, sizeof(tmp), "%s.new", name);
    if (r < 0 || (size_t)r >= sizeof(tmp))
        return -ENAMETOOLONG;

    fd = fileio_open(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;

    /* The contents are durable before the name points at them, ... */
    r = fileio_write_all(fd, bytes, len);
    if (!r)
        r = fileio_sync(fd);
    if (!r && fileio_ops.renameat(dirfd, tmp, dirfd, name) < 0)
        r = -errno;
    /* ... and the name is only as durable as its folder. */
    if (!r)
        r = fileio_sync(dirfd);

    (void)close(fd);
    return r;
}

int
fileio_lock(int dirfd, const char *name)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd, r;

    fd = fileio_open(dirfd, name, O_RDWR | O_CREAT);
    if (fd < 0)
        return fd;
    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        r = errno == EACCES ? -EAGAIN : -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}

int
fileio_locked(int dirfd, const char *name)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd, r;

    /* Asking does not take the lock: a daemon that starts is not disturbed. */
    fd = fileio_open(dirfd, name, O_RDWR);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return fd;
    r = fcntl(fd, F_OFD_GETLK, &whole) < 0 ? -errno : whole.l_type != F_UNLCK;
    (void)close(fd);
    return r;
}
