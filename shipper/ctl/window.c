#include "shipper/ctl/window.h"

#include "shipper/ctl/when.h"

enum { DEFAULT_MS = 60 * 60 * 1000 };

void
window_init(struct window *window)
{
    *window = (struct window){INT64_MIN, INT64_MIN};
}

bool
window_is_option(int option)
{
    return option == WINDOW_SINCE || option == WINDOW_UNTIL;
}

const char *
window_option(struct window *window, int option, const char *value, int64_t now)
{
    int64_t *end = option == WINDOW_SINCE ? &window->since : &window->until;

    if (when_parse(value, now, end) < 0 || *end < 0)
        return "is neither a time ago (2h30m) nor RFC 3339 "
               "(2026-01-02T03:04:05Z) since 1970";
    return NULL;
}

const char *
window_close(struct window *window, int64_t now)
{
    if (window->until == INT64_MIN)
        window->until = now;
    if (window->since == INT64_MIN)
        window->since =
            window->until > DEFAULT_MS ? window->until - DEFAULT_MS : 0;
    return window->since > window->until ? "ends before it begins" : NULL;
}
