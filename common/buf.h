#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes that grow up to a limit.  A buffer starts empty and allocates nothing
 * until the first byte; what grew is kept for reuse until buf_deinit().
 *
 * A failed append leaves the buffer as it was and is remembered in `failed`,
 * so that a row of appends can be judged once, at its end.
 */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t limit; /* len never passes it */
    int failed;   /* 0, or the first error since buf_init() or buf_clear() */
};

void buf_init(struct buf *buf, size_t limit);
void buf_deinit(struct buf *buf);

/** buf_clear(): forget the bytes and the error, keep the memory. */
void buf_clear(struct buf *buf);

/** buf_shrink(): buf_clear(), and give memory above @keep bytes back. */
void buf_shrink(struct buf *buf, size_t keep);

/** buf_grow(): buf_reserve() where there is not room enough yet. */
int buf_grow(struct buf *buf, size_t more);

/**
 * buf_reserve(): make room for @more bytes behind the present ones.
 *
 * Return: 0, -ENOBUFS past the limit, or -ENOMEM.
 */
static inline int
buf_reserve(struct buf *buf, size_t more)
{
    return more <= buf->cap - buf->len ? 0 : buf_grow(buf, more);
}

/* In the header, as each event is a hundred small pieces: where the length is
 * known to the compiler, a piece is a store or two. */
static inline int
buf_append(struct buf *buf, const void *bytes, size_t len)
{
    int r;

    if (!len)
        return 0;
    r = buf_reserve(buf, len);
    if (r < 0)
        return r;
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    return 0;
}

static inline int
buf_puts(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

static inline int
buf_putc(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

/** buf_number(): in decimal; what is on a hot path has no printf(). */
int buf_number(struct buf *buf, uint64_t number);

int buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** buf_truncate(): keep the first @len bytes, which must be there. */
void buf_truncate(struct buf *buf, size_t len);

/** buf_consume(): drop the first @len bytes, which must be there. */
void buf_consume(struct buf *buf, size_t len);
