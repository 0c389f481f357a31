#include "shipper/ctl/retrying.h"

#include "common/checkpoint.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/line_reader.h"
#include "shipper/ctl/ahead.h"

#include <errno.h>
#include <unistd.h>

static int
count_lines(int fd, uint64_t number, uint64_t from, struct ahead *ahead,
            uint64_t *entries)
{
    int64_t size = fileio_size(fd);
    struct line_reader reader;
    struct line_item item;
    int r;

    if (size <= (int64_t)from)
        return size < 0 ? (int)size : 0;
    line_reader_init(&reader, fd, from, (uint64_t)size);
    while ((r = line_reader_next(&reader, &item)) > 0)
        *entries +=
            item.bytes && !line_is_control(item.bytes, (size_t)item.len) &&
            !ahead_settled(ahead, (struct slice){item.bytes, (size_t)item.len},
                           (struct spool_position){number, item.offset});
    line_reader_deinit(&reader);
    return r;
}

/* Return: 0, RETRYING_MOVED or a negative errno. */
static int
count_file(int dirfd, uint64_t number, struct ahead *ahead, uint64_t *entries)
{
    struct spool_position done = ahead->checkpoint->retry;
    struct spool_control control;
    int fd = spool_open_segment(dirfd, number);
    int r;

    if (fd < 0)
        return fd == -ENOENT ? RETRYING_MOVED : fd;
    r = spool_control_read(fd, &control);
    if (!r && control.kind == SPOOL_LETTERS)
        r = count_lines(fd, number,
                        number == done.segment ? done.offset : control.len,
                        ahead, entries);
    (void)close(fd);
    return r < 0 ? r : 0;
}

int
retrying_count(int dirfd, struct ahead *ahead, uint64_t *entries)
{
    struct spool_list list;
    int r = spool_list_retry(&list, dirfd);
    bool moved = false;

    *entries = 0;
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        if (list.numbers[i] < ahead->checkpoint->retry.segment)
            continue;
        r = count_file(dirfd, list.numbers[i], ahead, entries);
        moved |= r == RETRYING_MOVED;
    }
    spool_list_deinit(&list);
    return r < 0 ? r : moved;
}
