#include "common/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 256 };

void
buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void
buf_deinit(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.limit = buf->limit};
}

void
buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = 0;
}

void
buf_shrink(struct buf *buf, size_t keep)
{
    if (buf->cap > keep)
        buf_deinit(buf);
    buf_clear(buf);
}

static int
buf_fail(struct buf *buf, int error)
{
    if (!buf->failed)
        buf->failed = error;
    return error;
}

int
buf_grow(struct buf *buf, size_t more)
{
    size_t cap = buf->cap ? buf->cap : BUF_FIRST;
    size_t need;
    char *data;

    if (more > buf->limit - buf->len)
        return buf_fail(buf, -ENOBUFS);

    need = buf->len + more;
    while (cap < need)
        cap *= 2;
    if (cap > buf->limit)
        cap = buf->limit;

    data = realloc(buf->data, cap);
    if (!data)
        return buf_fail(buf, -ENOMEM);

    buf->data = data;
    buf->cap = cap;
    return 0;
}

int
buf_number(struct buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    return buf_append(buf, digits + at, sizeof(digits) - at);
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int len, r;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return buf_fail(buf, -EINVAL);

    r = buf_reserve(buf, (size_t)len + 1); /* vsnprintf() ends in a NUL */
    if (r < 0)
        return r;

    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return 0;
}

void
buf_truncate(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

void
buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    if (len && len < buf->len)
        memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}
