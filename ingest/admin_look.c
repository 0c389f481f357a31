#include "ingest/admin_look.h"

#include "common/checkpoint.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024 };

/* The time of the entry that begins at @offset of a segment, or 0. */
static int64_t
time_at(int dirfd, uint64_t number, uint64_t offset)
{
    struct spool_control control;
    char line[LINE_BODY_AT];
    int64_t ts = 0;
    int fd = spool_open_segment(dirfd, number);

    if (fd < 0)
        return 0;
    if (!offset && spool_control_read(fd, &control) == 0)
        offset = control.len;
    if (fileio_read_at(fd, line, sizeof(line), offset) ==
            (ssize_t)sizeof(line) &&
        !memcmp(line, "{\"_crc\":\"", LINE_CRC_AT))
        ts = line_ts(line);
    (void)close(fd);
    return ts;
}

static void
add_segment(struct admin_spool *spool, int dirfd, uint64_t number,
            struct spool_position position)
{
    char name[SPOOL_NAME_SIZE];
    struct stat st;
    uint64_t from = 0;

    if (fstatat(dirfd, spool_name(number, name), &st, 0) < 0)
        return;
    spool->segments++;
    spool->bytes += (uint64_t)st.st_size;
    if (number < position.segment)
        return;
    if (number == position.segment)
        from = position.offset;
    if (from < (uint64_t)st.st_size)
        spool->unshipped += (uint64_t)st.st_size - from;
    if (!spool->oldest_ms)
        spool->oldest_ms = time_at(dirfd, number, from);
}

void
admin_look_spool(struct admin_spool *spool, int dirfd)
{
    struct spool_position position = {0};
    struct checkpoint checkpoint;
    struct spool_list list;

    *spool = (struct admin_spool){0};
    if (checkpoint_read(&checkpoint, dirfd) == 0) {
        position = checkpoint.position;
        checkpoint_deinit(&checkpoint);
    }
    if (spool_list_read(&list, dirfd) < 0)
        return;
    for (size_t i = 0; i < list.count; i++)
        add_segment(spool, dirfd, list.numbers[i], position);
    spool_list_deinit(&list);
}

void
admin_look_file(struct admin_file *file, int dirfd, const char *name)
{
    struct stat st;

    *file = (struct admin_file){NULL, 0, 0};
    if (fstatat(dirfd, name, &st, 0) < 0 ||
        fileio_read_all(dirfd, name, FILE_MAX, &file->text, &file->len) < 0) {
        file->text = NULL;
        return;
    }
    file->age_s = (int64_t)(time(NULL) - st.st_mtime);
}
