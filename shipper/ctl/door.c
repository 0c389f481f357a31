#include "shipper/ctl/door.h"

#include "common/buf.h"
#include "common/json.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/web.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 1000, RATE_SECONDS = 10 };

static void
take_text(char *out, size_t size, const char *text)
{
    struct buf escaped;

    buf_init(&escaped, size - 1);
    if (text)
        json_escape_printable(&escaped, text, strnlen(text, size / 2));
    memcpy(out, escaped.len ? escaped.data : "", escaped.len);
    out[escaped.len] = '\0';
    buf_deinit(&escaped);
}

static void
take_rate(struct door *door, const cJSON *seconds)
{
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(seconds, "accepted");
    int count = cJSON_IsArray(row) ? cJSON_GetArraySize(row) : 0, i = 0;
    int from = count > RATE_SECONDS ? count - RATE_SECONDS : 0;
    const cJSON *one;
    double sum = 0;

    cJSON_ArrayForEach(one, row)
    {
        if (i++ >= from && cJSON_IsNumber(one))
            sum += one->valuedouble;
    }
    if (count)
        door->per_second = sum / (count - from);
}

static void
take_events(struct door *door, const cJSON *events)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, events)
    {
        struct door_event *event = &door->events[door->event_count];

        if (door->event_count == DOOR_EVENTS_MAX)
            break;
        if (!json_get_uint(one, "accepted", &event->accepted))
            continue;
        take_text(event->name, sizeof(event->name),
                  json_get_string(one, "event"));
        door->event_count++;
    }
}

/* The last of the row that is not null. */
static bool
last_of(const cJSON *trend, const char *name, uint64_t *value)
{
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(trend, name), *one;
    bool found = false;

    cJSON_ArrayForEach(one, row)
    {
        if (cJSON_IsNumber(one) && one->valuedouble >= 0) {
            *value = (uint64_t)fmin(one->valuedouble, 1e15);
            found = true;
        }
    }
    return found;
}

static void
take_time(struct door_time *time, const cJSON *trend)
{
    time->known = last_of(trend, "p50Us", &time->p50_us) &&
                  last_of(trend, "p99Us", &time->p99_us);
}

bool
door_take(struct door *door, const char *text, size_t len)
{
    cJSON *tree = json_parse(text, len);

    *door = (struct door){.known = cJSON_IsObject(tree)};
    if (door->known) {
        take_text(door->version, sizeof(door->version),
                  json_get_string(tree, "version"));
        (void)json_get_uint(tree, "uptimeSeconds", &door->uptime_s);
        take_rate(door, cJSON_GetObjectItemCaseSensitive(tree, "seconds"));
        take_events(door, cJSON_GetObjectItemCaseSensitive(tree, "events"));
        take_time(&door->requests,
                  cJSON_GetObjectItemCaseSensitive(tree, "requests"));
        take_time(&door->commits,
                  cJSON_GetObjectItemCaseSensitive(tree, "commits"));
    }
    cJSON_Delete(tree);
    return door->known;
}

void
door_ask(struct door *door, const struct ctl *ctl)
{
    struct web_place place = {.base = ""};
    struct web_answer answer;
    const char *why;

    *door = (struct door){.known = false};
    why = web_place_listen(&place, ctl->settings.listen.admin, NULL);
    if (why) {
        take_text(door->why, sizeof(door->why), why);
        return;
    }
    if (!web_ask(&(struct web_request){.method = "GET",
                                       .place = &place,
                                       .path = "/live",
                                       .timeout_ms = WAIT_MS},
                 &answer))
        take_text(door->why, sizeof(door->why), answer.error);
    else if (answer.status != 200 ||
             !door_take(door, answer.body.data, answer.body.len))
        (void)snprintf(door->why, sizeof(door->why),
                       "%d, which is no answer of ingest's", answer.status);
    web_answer_deinit(&answer);
}
