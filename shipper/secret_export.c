#include "shipper/secret_export.h"

#include "common/fileio.h"
#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0440, DIR_MODE = 0750, OVERFLOW_GID = 65534 };

#define FRESH_NAME "." SECRET_EXPORT_NAME ".new"

/* Return: 0 with *@gid, (gid_t)-1 where the group stays as it is. */
static int
find_group(const char *name, gid_t *gid)
{
    const struct group *group;

    *gid = (gid_t)-1;
    if (!*name)
        return 0;
    group = getgrnam(name);
    if (!group)
        return -EINVAL;
    *gid = group->gr_gid;
    return 0;
}

/*
 * A setgid folder has given its group to the file already, and under a filter
 * that knows no chown it has to: there the folder is systemd-tmpfiles' to
 * make.  In a user namespace of our own other groups show as the overflow one.
 */
static bool
has_group(int dirfd, int fd, gid_t group)
{
    struct stat dir, file;

    return fstat(dirfd, &dir) == 0 && fstat(fd, &file) == 0 &&
           dir.st_mode & S_ISGID && file.st_gid == dir.st_gid &&
           (file.st_gid == group || file.st_gid == OVERFLOW_GID);
}

/* The file is nobody's to read before its group and mode are right. */
static int
write_fresh(int dirfd, const char *value, gid_t group)
{
    int fd, r;

    (void)unlinkat(dirfd, FRESH_NAME, 0); /* of a writer that was killed */
    fd = openat(dirfd, FRESH_NAME,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    r = fileio_write_all(fd, value, strlen(value));
    if (!r && fchown(fd, (uid_t)-1, group) < 0 && !has_group(dirfd, fd, group))
        r = -EPERM;
    if (!r && fchmod(fd, MODE) < 0)
        r = -errno;
    if (!r)
        r = fileio_sync(fd);
    (void)close(fd);
    return r;
}

int
secret_export(const struct settings *settings, const char *value)
{
    const char *dir = settings->secrets.export_dir;
    int dirfd, r;
    gid_t group;

    r = find_group(settings->secrets.export_group, &group);
    if (r < 0)
        return r;
    if (mkdir(dir, DIR_MODE) == 0 && chown(dir, (uid_t)-1, group) < 0)
        return -errno;
    dirfd = fileio_open_dir(dir);
    if (dirfd < 0)
        return dirfd;
    r = write_fresh(dirfd, value, group);
    if (!r && renameat(dirfd, FRESH_NAME, dirfd, SECRET_EXPORT_NAME) < 0)
        r = -errno;
    if (r)
        (void)unlinkat(dirfd, FRESH_NAME, 0);
    else
        r = fileio_sync(dirfd);
    (void)close(dirfd);
    return r;
}

bool
secret_exported(const struct settings *settings)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/" SECRET_EXPORT_NAME,
                       settings->secrets.export_dir);

    return len > 0 && len < (int)sizeof(path) && access(path, F_OK) == 0;
}

void
secret_export_check(struct settings *settings)
{
    gid_t group;

    if (*settings->secrets.export_dir && *settings->secrets.export_dir != '/')
        settings_complain(settings, "secrets.export_dir",
                          "give a path from the root");
    if (find_group(settings->secrets.export_group, &group) < 0)
        settings_complain(settings, "secrets.export_group",
                          "there is no such group on this machine");
}
