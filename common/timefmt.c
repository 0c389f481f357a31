#include "common/timefmt.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static char *
put_digits(char *out, unsigned number, int width)
{
    for (int i = width - 1; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + width;
}

void
timefmt_rfc3339(char text[TIMEFMT_SIZE], int64_t ms)
{
    int64_t part = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - part) / 1000);
    struct tm tm;

    assert(ms >= TIMEFMT_LEAST_MS && ms <= TIMEFMT_MOST_MS);
    (void)gmtime_r(&seconds, &tm);
    text = put_digits(text, (unsigned)(tm.tm_year + 1900), 4);
    *text++ = '-';
    text = put_digits(text, (unsigned)(tm.tm_mon + 1), 2);
    *text++ = '-';
    text = put_digits(text, (unsigned)tm.tm_mday, 2);
    *text++ = 'T';
    text = put_digits(text, (unsigned)tm.tm_hour, 2);
    *text++ = ':';
    text = put_digits(text, (unsigned)tm.tm_min, 2);
    *text++ = ':';
    text = put_digits(text, (unsigned)tm.tm_sec, 2);
    *text++ = '.';
    text = put_digits(text, (unsigned)part, 3);
    *text++ = 'Z';
    *text = '\0';
}

struct cursor {
    const char *at, *end;
    bool failed;
};

static int
take_digits(struct cursor *cursor, int width)
{
    int number = 0;

    for (int i = 0; i < width; i++) {
        if (cursor->at == cursor->end || *cursor->at < '0' ||
            *cursor->at > '9') {
            cursor->failed = true;
            return 0;
        }
        number = number * 10 + (*cursor->at++ - '0');
    }
    return number;
}

static bool
take_char(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || (*cursor->at | 0x20) != (c | 0x20))
        return false;
    cursor->at++;
    return true;
}

static void
expect(struct cursor *cursor, char c)
{
    if (!take_char(cursor, c))
        cursor->failed = true;
}

static int
take_fraction_ms(struct cursor *cursor)
{
    int ms = 0, weight = 100;

    ms += take_digits(cursor, 1) * weight;
    while (!cursor->failed && cursor->at < cursor->end && *cursor->at >= '0' &&
           *cursor->at <= '9') {
        weight /= 10;
        ms += (*cursor->at++ - '0') * weight;
    }
    return ms;
}

/* Return: the offset from UTC in minutes. */
static int
take_offset(struct cursor *cursor)
{
    int sign, hours, minutes;

    if (take_char(cursor, 'Z'))
        return 0;
    sign = cursor->at < cursor->end && *cursor->at == '-' ? -1 : 1;
    if (cursor->at < cursor->end && (*cursor->at == '+' || *cursor->at == '-'))
        cursor->at++;
    else
        cursor->failed = true;
    hours = take_digits(cursor, 2);
    expect(cursor, ':');
    minutes = take_digits(cursor, 2);
    if (hours > 23 || minutes > 59)
        cursor->failed = true;
    return sign * (hours * 60 + minutes);
}

static int
days_in(int month, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool
fields_ok(const struct tm *tm)
{
    return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
           tm->tm_mday <= days_in(tm->tm_mon + 1, tm->tm_year + 1900) &&
           tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* hh:mm:ss */
static void
take_time_of_day(struct cursor *cursor, struct tm *tm)
{
    tm->tm_hour = take_digits(cursor, 2);
    expect(cursor, ':');
    tm->tm_min = take_digits(cursor, 2);
    expect(cursor, ':');
    tm->tm_sec = take_digits(cursor, 2);
}

bool
timefmt_parse(const char *text, size_t len, int64_t *ms)
{
    struct cursor cursor = {.at = text, .end = text + len};
    struct tm tm = {0};
    int part = 0, offset;

    tm.tm_year = take_digits(&cursor, 4) - 1900;
    expect(&cursor, '-');
    tm.tm_mon = take_digits(&cursor, 2) - 1;
    expect(&cursor, '-');
    tm.tm_mday = take_digits(&cursor, 2);
    expect(&cursor, 'T');
    take_time_of_day(&cursor, &tm);
    if (!cursor.failed && cursor.at < cursor.end && *cursor.at == '.') {
        cursor.at++;
        part = take_fraction_ms(&cursor);
    }
    offset = take_offset(&cursor);
    if (cursor.failed || cursor.at != cursor.end || !fields_ok(&tm))
        return false;
    *ms = ((int64_t)timegm(&tm) - offset * 60) * 1000 + part;
    return *ms >= TIMEFMT_LEAST_MS && *ms <= TIMEFMT_MOST_MS;
}

/* The number, from 0, of a three-letter @name in @names, or -1. */
static int
take_name(struct cursor *cursor, const char *names)
{
    for (int i = 0;
         !cursor->failed && cursor->end - cursor->at >= 3 && names[3 * i]; i++)
        if (!memcmp(cursor->at, names + 3 * i, 3)) {
            cursor->at += 3;
            return i;
        }
    cursor->failed = true;
    return -1;
}

bool
timefmt_parse_http(const char *text, size_t len, int64_t *ms)
{
    struct cursor cursor = {.at = text, .end = text + len};
    struct tm tm = {0};

    (void)take_name(&cursor, "SunMonTueWedThuFriSat");
    expect(&cursor, ',');
    expect(&cursor, ' ');
    tm.tm_mday = take_digits(&cursor, 2);
    expect(&cursor, ' ');
    tm.tm_mon = take_name(&cursor, "JanFebMarAprMayJunJulAugSepOctNovDec");
    expect(&cursor, ' ');
    tm.tm_year = take_digits(&cursor, 4) - 1900;
    expect(&cursor, ' ');
    take_time_of_day(&cursor, &tm);
    expect(&cursor, ' ');
    expect(&cursor, 'G');
    expect(&cursor, 'M');
    expect(&cursor, 'T');
    if (cursor.failed || cursor.at != cursor.end || !fields_ok(&tm))
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}
