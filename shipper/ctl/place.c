#include "shipper/ctl/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool
whole_number(const char *text, uint64_t *number)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    return !errno;
}

uint64_t
place_segment(const char *text)
{
    const char *slash = strrchr(text, '/');
    const char *name = slash ? slash + 1 : text;
    uint64_t number = spool_number(text);

    if (!number) /* it may be a path */
        number = spool_number(name);

    return number || whole_number(name, &number) ? number : 0;
}

bool
place_parse(const char *text, struct spool_position *position)
{
    const char *colon = strrchr(text, ':');
    char segment[PATH_MAX];
    size_t len = colon ? (size_t)(colon - text) : 0;

    if (!colon || len >= sizeof(segment))
        return false;
    memcpy(segment, text, len);
    segment[len] = '\0';
    position->segment = place_segment(segment);
    return position->segment && whole_number(colon + 1, &position->offset);
}
