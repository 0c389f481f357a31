#include "common/gzip.h"

#include "common/buf.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 15,
    GZIP_FORMAT = 16, /* added to the window bits: gzip and nothing else */
    MEM_LEVEL = 8,
    OUT_STEP = 32 * 1024,
};

struct gzip {
    z_stream stream;
};

/* Give zlib some room behind @out's bytes; Return: how much, or an errno. */
static int
offer_room(z_stream *stream, struct buf *out)
{
    size_t left = out->limit - out->len;
    size_t step = left < OUT_STEP ? left : OUT_STEP;
    int r = step ? buf_reserve(out, step) : 0;

    if (r < 0)
        return r;
    stream->next_out = (Bytef *)(out->data + out->len);
    stream->avail_out = (uInt)step;
    return (int)step;
}

/* Return: 0 at the end of the input, or what gzip_inflate() does. */
static int
inflate_all(z_stream *stream, struct buf *out)
{
    Bytef beyond; /* where a stream at its limit has to show that it ends */

    for (;;) {
        int room = offer_room(stream, out);
        int status;

        if (room < 0)
            return room;
        if (!room) {
            stream->next_out = &beyond;
            stream->avail_out = 1;
        }
        status = inflate(stream, Z_NO_FLUSH);
        if (!room && !stream->avail_out)
            return GZIP_TOO_LARGE;
        if (room)
            out->len += (size_t)room - stream->avail_out;

        if (status == Z_MEM_ERROR)
            return -ENOMEM;
        if (status == Z_STREAM_END && !stream->avail_in)
            return 0;
        if (status == Z_STREAM_END)
            status = inflateReset(stream); /* the next member */
        if (status != Z_OK || (!stream->avail_in && stream->avail_out))
            return GZIP_BROKEN;
    }
}

int
gzip_inflate(struct buf *out, const void *bytes, size_t len)
{
    z_stream stream = {.next_in = (z_const Bytef *)bytes,
                       .avail_in = (uInt)len};
    size_t before = out->len;
    int r;

    if (len > UINT_MAX)
        return GZIP_TOO_LARGE;
    if (inflateInit2(&stream, WINDOW_BITS + GZIP_FORMAT) != Z_OK)
        return -ENOMEM;
    r = inflate_all(&stream, out);
    (void)inflateEnd(&stream);
    if (r) {
        buf_truncate(out, before);
        out->failed = 0;
    }
    return r;
}

int
gzip_new(struct gzip **out, int level)
{
    struct gzip *gzip = calloc(1, sizeof(*gzip));

    if (!gzip)
        return -ENOMEM;
    if (deflateInit2(&gzip->stream, level, Z_DEFLATED,
                     WINDOW_BITS + GZIP_FORMAT, MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return -ENOMEM;
    }
    *out = gzip;
    return 0;
}

void
gzip_free(struct gzip *gzip)
{
    if (!gzip)
        return;
    (void)deflateEnd(&gzip->stream);
    free(gzip);
}

int
gzip_deflate(struct gzip *gzip, const void *bytes, size_t len, struct buf *out)
{
    z_stream *stream = &gzip->stream;

    assert(len <= UINT_MAX);
    (void)deflateReset(stream); /* fails on a corrupted state alone */
    stream->next_in = (z_const Bytef *)bytes;
    stream->avail_in = (uInt)len;
    buf_clear(out);

    for (;;) {
        int room = offer_room(stream, out);
        int status;

        if (room < 0)
            return room;
        if (!room || out->len >= len)
            return GZIP_TOO_LARGE;
        status = deflate(stream, Z_FINISH);
        out->len += (size_t)room - stream->avail_out;
        if (status == Z_STREAM_END)
            return out->len < len ? 0 : GZIP_TOO_LARGE;
    }
}
