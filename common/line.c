#include "common/line.h"

#include "common/crc.h"

#include <assert.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static uint32_t
line_sum(const char *line, size_t len)
{
    /* The newline is no part of the object, nor of its checksum. */
    return crc_of(line + LINE_SUM_AT, len - LINE_SUM_AT - 1);
}

static void
put_hex(char *out, uint32_t value)
{
    for (int i = LINE_CRC_LEN - 1; i >= 0; i--, value >>= 4)
        out[i] = hex_digits[value & 15];
}

void
line_seal(char *line, size_t len, int64_t ts)
{
    assert(len >= LINE_MIN && line[len - 2] == '}' && line[len - 1] == '\n');
    assert(ts >= 0 && ts <= LINE_TS_MAX);

    for (int i = LINE_TS_LEN - 1; i >= 0; i--, ts /= 10)
        line[LINE_TS_AT + i] = (char)('0' + ts % 10);
    put_hex(line + LINE_CRC_AT, line_sum(line, len));
}

bool
line_ok(const char *line, size_t len)
{
    char sum[LINE_CRC_LEN];

    if (len < LINE_MIN || len > LINE_LEN_MAX)
        return false;
    if (line[len - 1] != '\n' || line[len - 2] != '}')
        return false;
    if (memcmp(line, LINE_PREFIX, LINE_CRC_AT) ||
        memcmp(line + LINE_CRC_AT + LINE_CRC_LEN, "\",\"ts\":", 7) ||
        line[LINE_BODY_AT - 1] != ',')
        return false;
    for (int i = 0; i < LINE_TS_LEN; i++)
        if (line[LINE_TS_AT + i] < '0' || line[LINE_TS_AT + i] > '9')
            return false;

    put_hex(sum, line_sum(line, len));
    return !memcmp(sum, line + LINE_CRC_AT, sizeof(sum));
}

int64_t
line_ts(const char *line)
{
    int64_t ts = 0;

    for (int i = 0; i < LINE_TS_LEN; i++)
        ts = ts * 10 + (line[LINE_TS_AT + i] - '0');
    return ts;
}

bool
line_is_control(const char *line, size_t len)
{
    static const char name[] = "\"_segment\":{";

    return len > LINE_BODY_AT + sizeof(name) &&
           !memcmp(line + LINE_BODY_AT, name, sizeof(name) - 1);
}

const char *
line_event_id(const char *line, size_t len)
{
    static const char name[] = "\"eventId\":\"";

    if (len <= LINE_ID_AT + LINE_ID_LEN + 2 ||
        memcmp(line + LINE_BODY_AT, name, sizeof(name) - 1) ||
        line[LINE_ID_AT + LINE_ID_LEN] != '"')
        return NULL;
    return line + LINE_ID_AT;
}
