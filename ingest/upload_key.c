#include "ingest/upload_key.h"

#include "common/hex.h"
#include "common/json.h"
#include "common/secret_text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool
read_day(struct upload_key_day *day, const cJSON *given)
{
    const char *name = json_get_string(given, "day");
    const char *hex = json_get_string(given, "key");

    if (!name || strlen(name) != 8 || !hex ||
        strlen(hex) != 2 * sizeof(day->key))
        return false;
    memcpy(day->day, name, sizeof(day->day));
    for (size_t i = 0; i < sizeof(day->key); i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        day->key[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool
read_days(struct upload_key *key, const cJSON *answer)
{
    const cJSON *days = cJSON_GetObjectItemCaseSensitive(answer, "days");

    if (cJSON_GetArraySize(days) != UPLOAD_KEY_DAYS)
        return false;
    for (int i = 0; i < UPLOAD_KEY_DAYS; i++)
        if (!read_day(&key->days[i], cJSON_GetArrayItem(days, i)))
            return false;
    return true;
}

static char *
copy(const cJSON *answer, const char *name)
{
    const char *text = json_get_string(answer, name);

    return text ? strdup(text) : NULL;
}

static int64_t
number(const cJSON *answer, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(answer, name);

    return cJSON_IsNumber(member) && fabs(member->valuedouble) < 9e15
               ? (int64_t)member->valuedouble
               : 0;
}

struct upload_key *
upload_key_read(const cJSON *answer)
{
    struct upload_key *key;

    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok")))
        return NULL;
    key = calloc(1, sizeof(*key));
    if (!key)
        return NULL;
    key->bucket = copy(answer, "bucket");
    key->region = copy(answer, "region");
    key->base = copy(answer, "base");
    key->access_key = copy(answer, "accessKeyId");
    key->token = copy(answer, "sessionToken");
    key->expires_ms = number(answer, "expires");
    key->clock_offset_ms = number(answer, "clockOffsetMs");
    if (key->bucket && key->region && key->base && key->access_key &&
        read_days(key, answer))
        return key;
    upload_key_free(key);
    return NULL;
}

void
upload_key_free(struct upload_key *key)
{
    if (!key)
        return;
    secret_free(key->token);
    OPENSSL_cleanse(key->days, sizeof(key->days));
    free(key->bucket);
    free(key->region);
    free(key->base);
    free(key->access_key);
    free(key);
}

const unsigned char *
upload_key_for(const struct upload_key *key, int64_t now_ms)
{
    char stamp[SIGV4_STAMP_SIZE];

    if (key->expires_ms && now_ms >= key->expires_ms)
        return NULL;
    sigv4_stamp(stamp, now_ms);
    for (size_t i = 0; i < UPLOAD_KEY_DAYS; i++)
        if (!memcmp(key->days[i].day, stamp, 8))
            return key->days[i].key;
    return NULL;
}
