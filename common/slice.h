#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/** Borrowed bytes, not terminated; data may be NULL where len is 0. */
struct slice {
    const char *data;
    size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})

static inline bool
slice_is(struct slice slice, const char *text)
{
    return slice.len == strlen(text) && !memcmp(slice.data, text, slice.len);
}

/** slice_is_nocase(): ASCII letters in either case. */
static inline bool
slice_is_nocase(struct slice slice, const char *text)
{
    return slice.len == strlen(text) &&
           !strncasecmp(slice.data, text, slice.len);
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

/** slice_trim(): without blanks and tabs at both ends. */
static inline struct slice
slice_trim(struct slice slice)
{
    while (slice.len && (*slice.data == ' ' || *slice.data == '\t'))
        slice.data++, slice.len--;
    while (slice.len && (slice.data[slice.len - 1] == ' ' ||
                         slice.data[slice.len - 1] == '\t'))
        slice.len--;
    return slice;
}

/**
 * slice_split(): what stands before the first @at; *@rest is what stands
 * behind it, with NULL data where there was none.
 */
static inline struct slice
slice_split(struct slice slice, char at, struct slice *rest)
{
    const char *found = slice.len ? memchr(slice.data, at, slice.len) : NULL;

    if (!found) {
        *rest = (struct slice){NULL, 0};
        return slice;
    }
    *rest =
        (struct slice){found + 1, slice.len - (size_t)(found - slice.data) - 1};
    return (struct slice){slice.data, (size_t)(found - slice.data)};
}
