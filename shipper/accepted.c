#include "shipper/accepted.h"

#include "common/fileio.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, READ_MAX = 64 * 1024 * 1024 };

/* Lines end in [*@at, @end); @at moves as far as this call reads. */
static int
count_lines(int fd, uint64_t *at, uint64_t end, uint64_t *lines)
{
    uint64_t stop = end - *at > READ_MAX ? *at + READ_MAX : end;
    char chunk[CHUNK];

    while (*at < stop) {
        size_t want = stop - *at < CHUNK ? (size_t)(stop - *at) : CHUNK;
        ssize_t n = fileio_read_at(fd, chunk, want, *at);
        const char *c = chunk;

        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        while ((c = memchr(c, '\n', (size_t)(chunk + n - c)))) {
            c++;
            (*lines)++;
        }
        *at += (uint64_t)n;
    }
    return *at == end;
}

/* To the first entry of a segment. */
static int
begin_segment(struct accepted_mark *mark, int fd, uint64_t number)
{
    struct spool_control control;
    int r = spool_control_read(fd, &control);

    if (r)
        return r < 0 ? r : -EBADMSG;
    *mark = (struct accepted_mark){{number, control.len}, control.entries};
    return 0;
}

int
accepted_move(struct accepted_mark *mark, int dirfd, struct spool_position to)
{
    int fd, r = 0;

    if (!spool_position_compare(mark->at, to))
        return 1;
    fd = spool_open_segment(dirfd, to.segment);
    if (fd < 0)
        return fd;
    if (mark->at.segment != to.segment || mark->at.offset > to.offset)
        r = begin_segment(mark, fd, to.segment);
    if (!r)
        r = to.offset <= mark->at.offset
                ? 1
                : count_lines(fd, &mark->at.offset, to.offset, &mark->entries);
    (void)close(fd);
    return r;
}

static int
count_file(int dirfd, uint64_t number, struct spool_position from,
           uint64_t *entries)
{
    struct spool_control control;
    uint64_t at;
    int64_t size;
    int fd = spool_open_segment(dirfd, number);
    int r;

    if (fd < 0)
        return fd;
    r = spool_control_read(fd, &control);
    size = fileio_size(fd);
    at = number == from.segment && from.offset > control.len ? from.offset
                                                             : control.len;
    if (!r && control.kind == SPOOL_LETTERS && size > (int64_t)at)
        do
            r = count_lines(fd, &at, (uint64_t)size, entries);
        while (!r);
    (void)close(fd);
    return r < 0 ? r : 0;
}

int
accepted_letters(int dirfd, struct spool_position from, uint64_t *entries)
{
    struct spool_list list;
    int r = spool_list_retry(&list, dirfd);

    *entries = 0;
    for (size_t i = 0; !r && i < list.count; i++)
        if (list.numbers[i] >= from.segment)
            r = count_file(dirfd, list.numbers[i], from, entries);
    spool_list_deinit(&list);
    return r;
}
