#include "shipper/creds_files.h"

#include "common/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Return: whether systemd has handed one over. */
static bool
handed_over(char path[PATH_MAX], const char *name)
{
    const char *dir = env("CREDENTIALS_DIRECTORY");
    int len = dir ? snprintf(path, PATH_MAX, "%s/%s", dir, name) : -1;

    return len > 0 && len < PATH_MAX && access(path, F_OK) == 0;
}

/* Where a file is, "" where nobody knows. */
static void
file_path(const struct creds_files *files, char path[PATH_MAX],
          enum profile_file file)
{
    static const struct {
        const char *variable, *usual;
    } places[CREDS_FILES] = {
        [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
        [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE",
                                 "~/.aws/credentials"},
    };
    const char *named = env(places[file].variable), *home = env("HOME");
    int len;

    if (file == PROFILE_CREDENTIALS && handed_over(path, files->credential))
        return;
    if (!named)
        named = places[file].usual;
    if (strncmp(named, "~/", 2))
        len = snprintf(path, PATH_MAX, "%s", named);
    else if (home)
        len = snprintf(path, PATH_MAX, "%s%s", home, named + 1);
    else
        len = PATH_MAX;
    if (len >= PATH_MAX)
        *path = '\0';
}

bool
creds_files_changed(struct creds_files *files)
{
    bool changed = false;

    for (int file = 0; file < CREDS_FILES; file++) {
        struct creds_looks now = {.size = 0}, *last = &files->looks[file];
        char path[PATH_MAX];
        struct stat st;

        file_path(files, path, (enum profile_file)file);
        if (*path && stat(path, &st) == 0)
            now = (struct creds_looks){st.st_mtim, st.st_size, st.st_ino};
        if (now.modified.tv_sec != last->modified.tv_sec ||
            now.modified.tv_nsec != last->modified.tv_nsec ||
            now.size != last->size || now.inode != last->inode)
            changed = true;
        *last = now;
    }
    return changed;
}

static int
read_file(const struct creds_files *files, struct profiles *profiles,
          enum profile_file file, char why[CREDS_WHY_MAX])
{
    struct profile_error error;
    char path[PATH_MAX], *text;
    size_t len;
    int r;

    file_path(files, path, file);
    if (!*path)
        return 0;
    r = fileio_read_all(AT_FDCWD, path, CREDS_FILE_LIMIT, &text, &len);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0) {
        (void)snprintf(why, CREDS_WHY_MAX, "%.300s: %s", path, strerror(-r));
        return r;
    }
    r = profiles_parse(profiles, file, text, len, &error);
    OPENSSL_cleanse(text, len);
    free(text);
    if (r == PROFILE_BROKEN)
        (void)snprintf(why, CREDS_WHY_MAX, "%.300s:%u: %s", path, error.line,
                       error.why);
    else if (r < 0)
        (void)snprintf(why, CREDS_WHY_MAX, "out of memory");
    return r ? -EINVAL : 0;
}

int
creds_files_read(const struct creds_files *files, struct profiles *profiles,
                 char why[CREDS_WHY_MAX])
{
    int r = read_file(files, profiles, PROFILE_CONFIG, why);

    return r ? r : read_file(files, profiles, PROFILE_CREDENTIALS, why);
}
