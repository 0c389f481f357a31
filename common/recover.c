#include "common/recover.h"

#include "common/fileio.h"
#include "common/line.h"
#include "common/line_reader.h"
#include "common/spool.h"
#include "common/synced.h"

#include <unistd.h>

int
recover_end(int dirfd, uint64_t number, const struct synced *synced,
            struct recovered *out)
{
    struct spool_position position;
    struct spool_control control;
    struct line_reader reader;
    struct line_item item;
    int64_t size;
    bool exact;
    int fd, r;

    fd = spool_open_segment(dirfd, number);
    if (fd < 0)
        return fd;
    r = spool_control_read(fd, &control);
    if (r)
        goto out_file;
    size = fileio_size(fd);
    r = (int)size;
    if (size < 0)
        goto out_file;

    exact = synced && synced_read(synced, &position) == 1 &&
            position.segment == number && position.offset <= (uint64_t)size;
    *out = (struct recovered){.end = control.len, .last_ts = control.ts};
    line_reader_init(&reader, fd, control.len,
                     exact ? position.offset : (uint64_t)size);
    while ((r = line_reader_next(&reader, &item)) > 0) {
        if (!item.bytes)
            continue;
        out->entries++;
        out->end = item.offset + item.len;
        out->last_ts = line_ts(item.bytes);
    }
    if (exact)
        out->end = position.offset;
    line_reader_deinit(&reader);

out_file:
    (void)close(fd);
    return r;
}
