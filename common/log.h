#pragma once

#include <stdint.h>

/*
 * One event, one line on stderr:
 *
 *     info event=segment_opened segment=00000000000000000042.ndjson entries=7
 *
 * With `<6>` in front and no time of its own where stderr is the journal, with
 * a UTC time elsewhere, or as one JSON object.  Values are escaped (control,
 * DEL, line separators, bidirectional marks) and bounded; callers never pass
 * a body, a token or a key.
 *
 * Any thread may log: a line is one write().
 */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

enum {
    LOG_VALUE_MAX = 512, /* bytes of one value; the rest is cut, with "..." */
    LOG_LINE_MAX = 4096,
};

struct log_field {
    const char *key;  /* NULL ends the row */
    const char *text; /* NULL: the value is @number */
    int64_t number;
};

/** log_setup(): the least level that is written, and the form. */
void log_setup(enum log_level level, enum log_format format);

/** log_mute(): write nothing at all, where somebody else tells the user. */
void log_mute(void);

/** log_enabled(): for what is dear to compute and only logged. */
int log_enabled(enum log_level level);

void log_write(enum log_level level, const char *event,
               const struct log_field *fields);

/** log_errno(): a field "error" with the words of a negative errno. */
struct log_field log_errno(int error);

static inline struct log_field
log_text(const char *key, const char *text)
{
    return (struct log_field){key, text ? text : "", 0};
}

static inline struct log_field
log_int(const char *key, int64_t number)
{
    return (struct log_field){key, 0, number};
}

#define log_at(level, event, ...)                                              \
    log_write(level, event, (const struct log_field[]){__VA_ARGS__{0, 0, 0}})

/*
 * log_info("segment_opened", log_text("segment", name), log_int("size", n),);
 * The fields end in a comma, so that a line may have none.
 */
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
