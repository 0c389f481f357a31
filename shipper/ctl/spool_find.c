#include "shipper/ctl/spool_find.h"

#include "common/line.h"
#include "shipper/ctl/edge.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <stdbool.h>
#include <strings.h>
#include <unistd.h>

struct search {
    struct spool_found *found;
    const char *event_id;
    int64_t since;
    int dirfd;
    bool over; /* what is left is older */
};

/* Return: 1 found, 0 not, or an errno. */
static int
search_chunk(struct search *search, const struct walk_segment *segment,
             uint64_t from, uint64_t end)
{
    struct walk_lines lines;
    struct line_item item;
    int found = 0, r;

    r = walk_lines_open(&lines, search->dirfd, segment, from, end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        const char *id =
            item.bytes ? line_event_id(item.bytes, (size_t)item.len) : NULL;

        if (!id)
            continue;
        if (line_ts(item.bytes) < search->since)
            search->over = true;
        if (strncasecmp(id, search->event_id, LINE_ID_LEN) != 0)
            continue;
        *search->found = (struct spool_found){
            .position = {segment->number, item.offset},
            .ts = line_ts(item.bytes),
        };
        found = 1;
    }
    walk_lines_close(&lines);
    return r < 0 ? r : found;
}

static int
search_segment(struct search *search, const struct walk_segment *segment)
{
    uint64_t first = walk_first(segment), before = segment->end, start;
    int fd = spool_open_segment(search->dirfd, segment->number);
    int r = 0;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd; /* shipped, and removed */
    while (!r && !search->over && before > first) {
        r = edge_chunk(fd, first, before, &start);
        if (!r)
            r = search_chunk(search, segment, start, before);
        before = start;
    }
    (void)close(fd);
    return r == -ENOENT ? 0 : r;
}

int
spool_find(struct spool_found *found, int dirfd, const char *event_id,
           int64_t since)
{
    struct search search = {found, event_id, since, dirfd, false};
    struct walk walk;
    int r = walk_open(&walk, dirfd);

    if (r)
        return r < 0 ? r : -EPROTO;
    for (size_t i = walk.count; i-- > 0 && !r && !search.over;)
        if (walk.segments[i].state != WALK_VOID)
            r = search_segment(&search, &walk.segments[i]);
    walk_close(&walk);
    return r;
}
