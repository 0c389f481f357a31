#include "common/uri.h"

#include "common/buf.h"

#include <string.h>

static bool
is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

void
uri_encode(struct buf *out, const char *text, size_t len, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char triple[] = {'%', digits[c >> 4], digits[c & 15]};

        if (is_unreserved(text[i]) || (keep_slash && c == '/'))
            (void)buf_putc(out, text[i]);
        else
            (void)buf_append(out, triple, sizeof(triple));
    }
}

/* Take the last segment and its slash away from what was put behind @start. */
static void
drop_segment(struct buf *out, size_t start)
{
    while (out->len > start)
        if (out->data[--out->len] == '/')
            break;
}

void
uri_normalize(struct buf *out, const char *path)
{
    size_t start = out->len;
    bool slash = *path && path[strlen(path) - 1] == '/';

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && !memcmp(path, "..", 2)) {
            drop_segment(out, start);
        } else if (len && !(len == 1 && *path == '.')) {
            (void)buf_putc(out, '/');
            (void)buf_append(out, path, len);
        }
        path += len + (path[len] == '/');
    }
    if (slash || out->len == start)
        (void)buf_putc(out, '/');
}
