#include "shipper/ctl/edge.h"

#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/walk.h"

#include <string.h>
#include <unistd.h>

/* Two of the longest lines, so that one begins in there. */
enum { CHUNK = 2 * LINE_LEN_MAX, READ_BYTES = 8192 };

/* Return: 1 with the place behind the first newline in [from, to), 0 without
 * one, or an errno. */
static int
behind_newline(int fd, uint64_t from, uint64_t to, uint64_t *behind)
{
    char bytes[READ_BYTES];

    while (from < to) {
        size_t want = to - from < READ_BYTES ? (size_t)(to - from) : READ_BYTES;
        ssize_t n = fileio_read_at(fd, bytes, want, from);
        const char *newline;

        if (n <= 0)
            return (int)n;
        newline = memchr(bytes, '\n', (size_t)n);
        if (newline) {
            *behind = from + (uint64_t)(newline - bytes) + 1;
            return 1;
        }
        from += (uint64_t)n;
    }
    return 0;
}

int
edge_chunk(int fd, uint64_t first, uint64_t before, uint64_t *start)
{
    uint64_t to = before;

    while (to > first && to - first > CHUNK) {
        uint64_t from = to - CHUNK;
        /* A newline right before @from begins a line there; one at the very
         * end of the chunk begins none within it. */
        int r = behind_newline(fd, from - 1, to - 1, start);

        if (r)
            return r < 0 ? r : 0;
        to = from;
    }
    *start = first;
    return 0;
}

static int
last_time(int dirfd, const struct walk_segment *segment, int64_t *ts)
{
    uint64_t first = walk_first(segment), before = segment->end;
    struct walk_count count;
    int fd, r = 0;

    fd = spool_open_segment(dirfd, segment->number);
    if (fd < 0)
        return fd;
    for (*ts = 0; !*ts && before > first && !r;) {
        uint64_t start;

        r = edge_chunk(fd, first, before, &start);
        if (!r)
            r = walk_count(dirfd, segment, start, before, &count);
        if (!r)
            *ts = count.last_ts;
        before = start;
    }
    (void)close(fd);
    return r;
}

int
edge_times(int dirfd, const struct walk_segment *segment,
           struct edge_times *times)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    *times = (struct edge_times){0};
    r = walk_lines_open(&lines, dirfd, segment, 0, segment->end);
    if (r < 0)
        return r;
    do
        r = line_reader_next(&lines.reader, &item);
    while (r > 0 && !item.bytes);
    if (r > 0)
        times->first = line_ts(item.bytes);
    walk_lines_close(&lines);
    if (r <= 0)
        return r;
    return last_time(dirfd, segment, &times->last);
}

bool
edge_outside(int dirfd, const struct walk_segment *segment,
             const struct filter *filter)
{
    struct edge_times times;

    if (filter->since == INT64_MIN && filter->until == INT64_MAX)
        return false;
    return edge_times(dirfd, segment, &times) == 0 && times.last &&
           (times.last < filter->since || times.first > filter->until);
}
