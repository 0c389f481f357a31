#include "ingest/presign.h"

#include "common/buf.h"
#include "common/sigv4.h"
#include "ingest/upload_key.h"
#include "ingest/upload_seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)

enum { PATH_MAX_BYTES = 2048, HEADERS_MAX = 5 };

int64_t
presign_ends_ms(const struct upload_key *key, int64_t now_ms, int64_t life_ms)
{
    int64_t ends_ms = now_ms + life_ms;
    int64_t midnight_ms = now_ms - now_ms % DAY_MS + DAY_MS;

    if (ends_ms > midnight_ms)
        ends_ms = midnight_ms;
    if (key->expires_ms && ends_ms > key->expires_ms)
        ends_ms = key->expires_ms;
    return ends_ms;
}

/* The host of "scheme://HOST/path" or "scheme://HOST". */
static struct slice
host_of(const char *base, struct slice *path)
{
    const char *host = strstr(base, "://");

    host = host ? host + 3 : base;
    return slice_split((struct slice){host, strlen(host)}, '/', path);
}

static struct sigv4_pair
pair(const char *name, const char *value)
{
    return (struct sigv4_pair){{name, strlen(name)}, {value, strlen(value)}};
}

int
presign_url(struct buf *out, const struct upload_key *key,
            const struct upload *upload, int64_t now_ms, int64_t seconds)
{
    const unsigned char *day = upload_key_for(key, now_ms);
    struct slice bucket, host = host_of(key->base, &bucket);
    struct sigv4_pair headers[HEADERS_MAX];
    char path[PATH_MAX_BYTES], length[24];
    struct sigv4_signer signer = {
        .scope = {.region = key->region, .service = "s3"},
        .access_key = key->access_key,
        .key = day,
    };
    size_t count = 0;
    int n;

    n = snprintf(path, sizeof(path), "/%.*s%s%s", (int)bucket.len,
                 bucket.data ? bucket.data : "", bucket.len ? "/" : "",
                 upload->key);
    if (!day || n >= (int)sizeof(path))
        return -EINVAL;
    (void)snprintf(length, sizeof(length), "%" PRIu64, upload->size);
    headers[count++] = (struct sigv4_pair){SLICE("host"), host};
    headers[count++] = pair("content-length", length);
    headers[count++] = pair("content-type", upload->type);
    headers[count++] = pair("if-none-match", "*");
    if (*upload->sha256)
        headers[count++] = pair("x-amz-checksum-sha256", upload->sha256);

    sigv4_stamp(signer.scope.stamp, now_ms);
    (void)buf_append(out, key->base, (size_t)(host.data - key->base));
    (void)buf_append(out, host.data, host.len);
    n = sigv4_presign(out,
                      &(struct sigv4_request){
                          .method = "PUT",
                          .path = path,
                          .headers = headers,
                          .header_count = count,
                          .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                      },
                      &signer, key->token, seconds);
    return n > 0 ? -EINVAL : n;
}
