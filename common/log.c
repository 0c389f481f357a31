#include "common/log.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/timefmt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum log_level log_least = LOG_INFO;
static bool log_muted;
static bool log_as_json;
static bool log_to_journal;

static const struct {
    const char *name;
    int priority; /* syslog(3)'s */
} levels[] = {
    [LOG_ERROR] = {"error", 3},   [LOG_WARNING] = {"warning", 4},
    [LOG_NOTICE] = {"notice", 5}, [LOG_INFO] = {"info", 6},
    [LOG_DEBUG] = {"debug", 7},
};

/* systemd.exec(5): JOURNAL_STREAM names the device and inode of stderr. */
static bool
stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           !fstat(STDERR_FILENO, &st) && st.st_dev == device &&
           st.st_ino == inode;
}

void
log_setup(enum log_level level, enum log_format format)
{
    log_least = level;
    log_as_json = format == LOG_JSON;
    log_to_journal = format == LOG_AUTO && stderr_is_journal();
}

void
log_mute(void)
{
    log_muted = true;
}

int
log_enabled(enum log_level level)
{
    return !log_muted && level <= log_least;
}

struct log_field
log_errno(int error)
{
    return log_text("error", strerror(error < 0 ? -error : error));
}

/* A bare word stays bare; what has blanks, quotes or odd bytes is quoted. */
static bool
needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (; *text; text++)
        if (*text <= ' ' || *text == '"' || *text == '=' || *text == '\\' ||
            *text == 0x7f)
            return true; /* a negative char, UTF-8, is below ' ' as well */
    return false;
}

static void
append_text(struct buf *line, const char *text, bool quoted)
{
    size_t len = strnlen(text, LOG_VALUE_MAX + 1);
    bool cut = len > LOG_VALUE_MAX;

    if (!quoted && !needs_quotes(text)) {
        (void)buf_append(line, text, cut ? LOG_VALUE_MAX : len);
        return;
    }
    (void)buf_putc(line, '"');
    json_escape_printable(line, text, cut ? LOG_VALUE_MAX : len);
    (void)buf_puts(line, cut ? "...\"" : "\"");
}

static void
append_field(struct buf *line, const struct log_field *field)
{
    (void)buf_printf(line, log_as_json ? ",\"%s\":" : " %s=", field->key);
    if (field->text)
        append_text(line, field->text, log_as_json);
    else
        (void)buf_printf(line, "%lld", (long long)field->number);
}

static void
append_head(struct buf *line, enum log_level level, const char *event)
{
    char now[TIMEFMT_SIZE];

    if (log_to_journal) {
        (void)buf_printf(line, "<%d>event=%s", levels[level].priority, event);
        return;
    }
    timefmt_rfc3339(now, clock_wall_ms());
    (void)buf_printf(line,
                     log_as_json ? "{\"time\":\"%s\",\"level\":\"%s\","
                                   "\"event\":\"%s\""
                                 : "%s %s event=%s",
                     now, levels[level].name, event);
}

void
log_write(enum log_level level, const char *event,
          const struct log_field *fields)
{
    struct buf line;
    size_t whole;

    if (!log_enabled(level))
        return;

    buf_init(&line, LOG_LINE_MAX);
    append_head(&line, level, event);
    for (whole = line.len; fields->key && !line.failed; fields++) {
        append_field(&line, fields);
        if (!line.failed && line.len <= LOG_LINE_MAX - 2)
            whole = line.len;
    }

    /* A field that no longer fits is left out whole; the form stays right. */
    line.len = whole;
    line.failed = 0;
    (void)buf_puts(&line, log_as_json ? "}\n" : "\n");

    /* Nobody is left to tell of a failure to log. */
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        (void)0;
    buf_deinit(&line);
}
