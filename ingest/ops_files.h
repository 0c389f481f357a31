#pragma once

#include <stddef.h>

/*
 * The files of the ops page, from ingest/web-ops/, put into the program by
 * embed.sh.
 */
struct ops_file {
    const char *path;
    const char *type;
    const unsigned char *bytes;
    size_t len;
};

extern const struct ops_file ops_files[];
extern const size_t ops_file_count;
