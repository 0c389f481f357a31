#include "shipper/upload_key.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/sigv4.h"
#include "shipper/creds.h"
#include "shipper/object.h"

#include <inttypes.h>
#include <openssl/crypto.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)

static int
write_day(struct buf *out, const struct upload_key *key, int64_t ms)
{
    struct sigv4_scope scope = {.region = key->region, .service = "s3"};
    unsigned char derived[SIGV4_KEY_SIZE];
    int r;

    sigv4_stamp(scope.stamp, ms);
    r = sigv4_derive_key(derived, key->keys->secret, &scope);
    if (r < 0)
        return r;
    (void)buf_printf(out, "{\"day\":\"%.8s\",\"key\":\"", scope.stamp);
    for (size_t i = 0; i < sizeof(derived); i++) {
        static const char digits[] = "0123456789abcdef";

        (void)buf_putc(out, digits[derived[i] >> 4]);
        (void)buf_putc(out, digits[derived[i] & 15]);
    }
    (void)buf_puts(out, "\"}");
    OPENSSL_cleanse(derived, sizeof(derived));
    return 0;
}

static void
write_text(struct buf *out, const char *name, const char *text)
{
    (void)buf_printf(out, ",\"%s\":", name);
    json_string(out, text);
}

int
upload_key_write(struct buf *out, const struct upload_key *key)
{
    const struct object_place *place = key->place;
    size_t path = strlen(place->path) - 1; /* without the slash at the end */
    int r;

    write_text(out, "bucket", key->bucket);
    write_text(out, "region", key->region);
    (void)buf_printf(out, ",\"base\":\"%s://%s%.*s\"",
                     place->plain ? "http" : "https", place->host, (int)path,
                     place->path);
    write_text(out, "accessKeyId", key->keys->access_key);
    if (key->keys->token)
        write_text(out, "sessionToken", key->keys->token);
    (void)buf_printf(out,
                     ",\"expires\":%" PRId64 ",\"clockOffsetMs\":%" PRId64
                     ",\"days\":[",
                     key->keys->expires_ms, key->clock_offset_ms);
    r = write_day(out, key, key->now_ms);
    (void)buf_putc(out, ',');
    if (!r)
        r = write_day(out, key, key->now_ms + DAY_MS);
    (void)buf_putc(out, ']');
    return r;
}
