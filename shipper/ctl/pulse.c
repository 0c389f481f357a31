#include "shipper/ctl/pulse.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/spool.h"
#include "common/timefmt.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/jsonscan.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 * 1024, VERSION = 1 };

static void
get_time(const cJSON *object, const char *name, int64_t *ms)
{
    const char *text = json_get_string(object, name);

    if (!text || !timefmt_parse(text, strlen(text), ms))
        *ms = 0;
}

static void
get_text(const cJSON *object, const char *name, char out[PULSE_TEXT_SIZE])
{
    const char *text = json_get_string(object, name);
    size_t len = text ? strnlen(text, PULSE_TEXT_SIZE / 2) : 0;
    struct buf escaped;

    *out = '\0';
    buf_init(&escaped, PULSE_TEXT_SIZE - 1);
    if (text)
        json_escape_printable(&escaped, text, len);
    if (escaped.len) {
        memcpy(out, escaped.data, escaped.len);
        out[escaped.len] = '\0';
    }
    buf_deinit(&escaped);
}

static bool
get_number(const cJSON *object, const char *name, double *number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item))
        return false;
    *number = item->valuedouble;
    return true;
}

static void
take(struct pulse *pulse, const cJSON *tree)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(tree, "lastError");
    const cJSON *day = cJSON_GetObjectItemCaseSensitive(tree, "ingested");

    get_time(day, "since", &pulse->day_ms);
    (void)json_get_uint(day, "bytes", &pulse->day_bytes);
    (void)json_get_uint(day, "dayBefore", &pulse->day_before_bytes);
    get_time(tree, "updatedAt", &pulse->updated_ms);
    get_time(tree, "lastSuccessAt", &pulse->last_success_ms);
    get_time(tree, "nextRetryAt", &pulse->next_retry_ms);
    get_time(error, "at", &pulse->error_ms);
    get_text(tree, "state", pulse->state);
    get_text(error, "code", pulse->error_code);
    get_text(error, "message", pulse->error_message);
    pulse->has_rates =
        get_number(tree, "eventsPerSecond", &pulse->events_per_second) &&
        get_number(tree, "bytesPerSecond", &pulse->bytes_per_second);
    pulse->has_clock =
        get_number(tree, "clockOffsetMs", &pulse->clock_offset_ms);
}

int
pulse_read(struct pulse *pulse, const struct ctl *ctl)
{
    uint64_t version = 0;
    cJSON *tree = NULL;
    size_t len;
    int code = 0, r;

    *pulse = (struct pulse){0};
    r = fileio_read_all(ctl->dirfd, SPOOL_STATUS, FILE_MAX, &pulse->raw, &len);
    if (r == -ENOENT || r == -EFBIG)
        return 0;
    if (r < 0)
        return ctl_fail(ctl, SPOOL_STATUS, r);
    while (len && pulse->raw[len - 1] == '\n')
        pulse->raw[--len] = '\0';
    /* It goes into our own output as it is, so it has to be JSON, and on one
     * line: a newline in JSON stands for nothing. */
    for (size_t i = 0; i < len; i++)
        if (pulse->raw[i] == '\n' || pulse->raw[i] == '\r')
            pulse->raw[i] = ' ';
    if (jsonscan_valid((struct slice){pulse->raw, len}))
        tree = json_parse(pulse->raw, len);
    if (json_get_uint(tree, "version", &version) && version != VERSION)
        code = ctl_fail(ctl, SPOOL_STATUS, SPOOL_UNKNOWN);
    pulse->known = version == VERSION;
    if (pulse->known)
        take(pulse, tree);
    cJSON_Delete(tree);
    return code;
}

void
pulse_deinit(struct pulse *pulse)
{
    free(pulse->raw);
    *pulse = (struct pulse){0};
}
