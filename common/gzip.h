#pragma once

#include <stddef.h>

struct buf;

/*
 * gzip (RFC 1952) both ways, each within limits.
 */
enum {
    GZIP_BROKEN = 1,    /* not gzip, cut short, or followed by other bytes */
    GZIP_TOO_LARGE = 2, /* the output would pass its limit */
};

/**
 * gzip_inflate(): append the text of the @len bytes, one gzip member or
 * several, to @out.  out->limit is watched while inflating, so a small body
 * cannot become a large one; a failure leaves @out as it was.
 *
 * Return: 0, GZIP_BROKEN, GZIP_TOO_LARGE or -ENOMEM.
 */
int gzip_inflate(struct buf *out, const void *bytes, size_t len);

/** A compressor that is kept, as it holds about 256 KiB. */
struct gzip;

/** gzip_new(): for zlib's levels 1 to 9. */
int gzip_new(struct gzip **gzip, int level);
void gzip_free(struct gzip *gzip);

/**
 * gzip_deflate(): put the @len bytes, compressed, into @out in place of what
 * it held.  Given up as soon as the result is not smaller than @len.
 *
 * Return: 0, GZIP_TOO_LARGE where it is not smaller, or -ENOMEM.
 */
int gzip_deflate(struct gzip *gzip, const void *bytes, size_t len,
                 struct buf *out);
