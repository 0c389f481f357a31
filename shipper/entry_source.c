#include "shipper/entry_source.h"

#include "common/fileio.h"
#include "common/line.h"

#include <errno.h>
#include <unistd.h>

void
entry_source_init(struct entry_source *source, int dirfd)
{
    *source = (struct entry_source){.dirfd = dirfd, .fd = -1};
    buf_init(&source->line, LINE_LEN_MAX);
}

void
entry_source_deinit(struct entry_source *source)
{
    if (source->fd >= 0)
        (void)close(source->fd);
    buf_deinit(&source->line);
}

static int
open_segment(struct entry_source *source, uint64_t segment)
{
    if (source->fd >= 0 && source->segment == segment)
        return 0;
    if (source->fd >= 0)
        (void)close(source->fd);
    source->segment = segment;
    source->fd = spool_open_segment(source->dirfd, segment);
    return source->fd < 0 ? source->fd : 0;
}

int
entry_source_read(struct entry_source *source, struct spool_position position,
                  uint32_t len, struct slice *line)
{
    struct buf *buf = &source->line;
    ssize_t n;
    int r;

    r = open_segment(source, position.segment);
    if (r < 0)
        return r;
    buf_clear(buf);
    r = buf_reserve(buf, len);
    if (r < 0)
        return r;
    n = fileio_read_at(source->fd, buf->data, len, position.offset);
    if (n < 0)
        return (int)n;
    *line = (struct slice){buf->data, len};
    return (size_t)n == len ? 0 : -EIO;
}
