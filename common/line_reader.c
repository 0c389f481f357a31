#include "common/line_reader.h"

#include "common/fileio.h"
#include "common/line.h"

#include <errno.h>
#include <string.h>

enum { READ_BYTES = 64 * 1024 };

void
line_reader_init(struct line_reader *reader, int fd, uint64_t offset,
                 uint64_t end)
{
    *reader = (struct line_reader){.fd = fd, .offset = offset, .end = end};
    buf_init(&reader->buf, LINE_LEN_MAX + READ_BYTES);
}

void
line_reader_deinit(struct line_reader *reader)
{
    buf_deinit(&reader->buf);
}

/* Return: the number of bytes added, 0 at the end, or a negative errno. */
static ssize_t
refill(struct line_reader *reader)
{
    struct buf *buf = &reader->buf;
    uint64_t from = reader->offset + (buf->len - reader->at);
    size_t want = READ_BYTES;
    ssize_t n;
    int r;

    if (from >= reader->end)
        return 0;
    if (want > reader->end - from)
        want = (size_t)(reader->end - from);

    buf_consume(buf, reader->at);
    reader->at = 0;
    r = buf_reserve(buf, want);
    if (r < 0)
        return r;
    n = fileio_read_at(reader->fd, buf->data + buf->len, want, from);
    if (n > 0)
        buf->len += (size_t)n;
    return n;
}

static void
skip(struct line_reader *reader, size_t len)
{
    reader->at += len;
    reader->offset += len;
}

static void
mark_bad(struct line_reader *reader, size_t len)
{
    if (!reader->in_bad) {
        reader->in_bad = true;
        reader->bad_from = reader->offset;
    }
    skip(reader, len);
}

/*
 * A torn write may leave a good line behind garbage that holds no newline.
 * Return: where a good line begins within the @len bytes, or @len.
 */
static size_t
find_good(const char *bytes, size_t len)
{
    if (line_ok(bytes, len))
        return 0; /* nearly always */
    for (size_t at = 1; at < len;) {
        const char *next =
            memmem(bytes + at, len - at, LINE_PREFIX, LINE_CRC_AT);

        if (!next)
            break;
        at = (size_t)(next - bytes);
        if (line_ok(next, len - at))
            return at;
        at++;
    }
    return len;
}

static int
yield_bad(struct line_reader *reader, struct line_item *item)
{
    *item = (struct line_item){
        .offset = reader->bad_from,
        .len = reader->offset - reader->bad_from,
    };
    reader->in_bad = false;
    return 1;
}

/* A line of @len bytes stands at the reader's place: 1 where it is yielded. */
static int
take_line(struct line_reader *reader, size_t len, struct line_item *item)
{
    const char *bytes = reader->buf.data + reader->at;
    size_t good = find_good(bytes, len);

    if (good)
        mark_bad(reader, good);
    if (good == len)
        return 0;
    if (reader->in_bad)
        return yield_bad(reader, item);

    *item = (struct line_item){
        .bytes = bytes,
        .offset = reader->offset,
        .len = len,
    };
    skip(reader, len);
    return 1;
}

int
line_reader_next(struct line_reader *reader, struct line_item *item)
{
    for (;;) {
        size_t left = reader->buf.len - reader->at;
        const char *bytes = left ? reader->buf.data + reader->at : NULL;
        const char *newline = left ? memchr(bytes, '\n', left) : NULL;
        ssize_t n;

        if (newline) {
            if (take_line(reader, (size_t)(newline - bytes) + 1, item))
                return 1;
            continue;
        }

        /* No line is that long; a good one may still end this run. */
        if (left >= LINE_LEN_MAX)
            mark_bad(reader, left - LINE_LEN_MAX + 1);

        n = refill(reader);
        if (n < 0)
            return (int)n;
        if (n > 0)
            continue;

        mark_bad(reader, reader->buf.len - reader->at);
        if (reader->offset > reader->bad_from)
            return yield_bad(reader, item);
        reader->in_bad = false;
        return 0;
    }
}
