#pragma once

#include "shipper/creds_plan.h"
#include "shipper/profile.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

/*
 * The shared config and credentials files on disk, or in the place of the
 * latter what systemd handed over ($CREDENTIALS_DIRECTORY, LoadCredential=):
 * a file of the same form by the name of "logs", or "uploads" for who signs
 * uploads.
 */
enum {
    CREDS_FILES = 2, /* one for each enum profile_file, in its order */
    CREDS_FILE_LIMIT = 1024 * 1024
};

/* A file's looks: when they differ, it is read anew.  Zeros: no file. */
struct creds_looks {
    struct timespec modified;
    off_t size;
    ino_t inode;
};

struct creds_files {
    const char *credential; /* the name of systemd's */
    struct creds_looks looks[CREDS_FILES];
};

/** creds_files_changed(): whether one has changed since the last call. */
bool creds_files_changed(struct creds_files *files);

/** creds_files_read(): both, into @profiles; a file that is not there holds
 * nothing.  Return: 0, or a negative errno with @why. */
int creds_files_read(const struct creds_files *files, struct profiles *profiles,
                     char why[CREDS_WHY_MAX]);
