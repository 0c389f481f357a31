/*
 * spool_dump DIR prints every good line of a spool in order, and on stderr
 * what it skipped: bad bytes, void segments, and what follows the end of what
 * was acknowledged.
 */
#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
skipped(const struct walk_segment *segment, uint64_t offset, uint64_t len,
        const char *what)
{
    char name[SPOOL_NAME_SIZE];

    fprintf(stderr, "%s:%" PRIu64 ": %" PRIu64 " bytes skipped: %s\n",
            spool_name(segment->number, name), offset, len, what);
}

static int
dump(int dirfd, const struct walk_segment *segment)
{
    struct walk_lines lines;
    struct line_item item;
    int r;

    if (segment->state == WALK_VOID) {
        skipped(segment, 0, segment->size, "a void segment");
        return 0;
    }
    r = walk_lines_open(&lines, dirfd, segment, 0, segment->end);
    if (r < 0)
        return r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0)
        if (!item.bytes)
            skipped(segment, item.offset, item.len, "bad");
        else if (!line_is_control(item.bytes, (size_t)item.len))
            (void)fwrite(item.bytes, 1, (size_t)item.len, stdout);
    walk_lines_close(&lines);
    if (segment->size > segment->end)
        skipped(segment, segment->end, segment->size - segment->end,
                "never acknowledged");
    return r;
}

int
main(int argc, char **argv)
{
    struct walk walk;
    int dirfd, r;

    if (argc != 2) {
        fprintf(stderr, "Usage: spool_dump DIR\n");
        return 64;
    }
    dirfd = fileio_open_dir(argv[1]);
    r = dirfd < 0 ? dirfd : walk_open(&walk, dirfd);
    if (r) {
        fprintf(stderr, "spool_dump: %s: %s\n", argv[1],
                r == SPOOL_UNKNOWN ? "unknown version" : strerror(-r));
        return r == SPOOL_UNKNOWN ? 78 : 74;
    }
    for (size_t i = 0; !r && i < walk.count; i++)
        r = dump(dirfd, &walk.segments[i]);
    walk_close(&walk);
    (void)close(dirfd);
    return r < 0 || fflush(stdout) == EOF ? 74 : 0;
}
