#include "shipper/ctl/print.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/timefmt.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 * 1024 };

const char *
print_bytes(uint64_t bytes, char out[PRINT_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)snprintf(out, PRINT_SIZE, "%" PRIu64 " B", bytes);
        return out;
    }
    /* 1023.96 would be printed as 1024.0 */
    for (; value >= 1023.95 && unit < 3; unit++)
        value /= 1024;
    (void)snprintf(out, PRINT_SIZE, "%.1f %s", value, units[unit]);
    return out;
}

const char *
print_time(int64_t ms, char out[PRINT_SIZE])
{
    if (ms)
        timefmt_rfc3339(out, ms);
    else
        (void)strcpy(out, "-");
    return out;
}

const char *
print_time_json(int64_t ms, char out[PRINT_SIZE])
{
    char text[PRINT_SIZE];

    if (ms)
        (void)snprintf(out, PRINT_SIZE, "\"%.29s\"", print_time(ms, text));
    else
        (void)strcpy(out, "null");
    return out;
}

const char *
print_span(int64_t ms, char out[PRINT_SIZE])
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
    size_t i = 0;

    while (i < 3 && ms < units[i].ms)
        i++;
    if (i == 3)
        (void)snprintf(out, PRINT_SIZE, "%.1fs",
                       ms < 0 ? 0 : (double)ms / 1000);
    else
        (void)snprintf(out, PRINT_SIZE, "%" PRId64 "%s %" PRId64 "%s",
                       ms / units[i].ms, units[i].name,
                       ms % units[i].ms / units[i + 1].ms, units[i + 1].name);
    return out;
}

static bool
wants_colour(void)
{
    static int wanted = -1;
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (wanted < 0)
        wanted = isatty(STDOUT_FILENO) && (!no || !*no) && term &&
                 strcmp(term, "dumb") != 0;
    return wanted;
}

const char *
print_colour(enum print_colour colour)
{
    static const char *const begin[] = {
        [PRINT_PLAIN] = "",       [PRINT_GOOD] = "\033[32m",
        [PRINT_BAD] = "\033[31m", [PRINT_WARN] = "\033[33m",
        [PRINT_DIM] = "\033[2m",
    };

    return wants_colour() ? begin[colour] : "";
}

const char *
print_end(void)
{
    return wants_colour() ? "\033[0m" : "";
}

void
print_json_text(const char *text)
{
    struct buf out;

    /* A folder's name may be any bytes; JSON is UTF-8. */
    buf_init(&out, TEXT_MAX);
    (void)buf_puts(&out, text ? "\"" : "null");
    if (text)
        json_escape_printable(&out, text, strlen(text));
    if (text)
        (void)buf_putc(&out, '"');
    if (!out.failed)
        (void)fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
}

void
print_printable(FILE *to, const char *text)
{
    struct buf out;

    buf_init(&out, TEXT_MAX);
    json_escape_printable(&out, text, strlen(text));
    if (!out.failed && out.len)
        (void)fwrite(out.data, 1, out.len, to);
    buf_deinit(&out);
}

bool
print_wait(int ms)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, ms) <= 0 || !(out.revents & (POLLERR | POLLHUP));
}
