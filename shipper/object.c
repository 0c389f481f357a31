#include "shipper/object.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/uri.h"
#include "shipper/aws.h"
#include "shipper/cloud.h"
#include "shipper/creds.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
object_bucket_ok(const char *bucket)
{
    size_t len = strlen(bucket);
    struct in_addr address;

    return len >= 3 && len <= 63 &&
           strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
           !strchr(".-", bucket[0]) && !strchr(".-", bucket[len - 1]) &&
           !strstr(bucket, "..") && inet_pton(AF_INET, bucket, &address) != 1;
}

bool
object_place(struct object_place *place, const struct settings *settings,
             const char *bucket, char why[ENDPOINT_WHY_MAX])
{
    struct endpoint endpoint;

    if (!endpoint_find(&endpoint, settings, "s3", why))
        return false;
    place->plain = endpoint.plain;
    if (endpoint.own && !strchr(bucket, '.')) {
        (void)snprintf(place->host, sizeof(place->host), "%.63s.%s", bucket,
                       endpoint.host);
        (void)snprintf(place->path, sizeof(place->path), "/");
    } else {
        (void)snprintf(place->host, sizeof(place->host), "%s", endpoint.host);
        (void)snprintf(place->path, sizeof(place->path), "/%.63s/", bucket);
    }
    return true;
}

static void
tell(struct object_head *head, const struct object_answer *answer)
{
    aws_head_deinit(&head->lines);
    head->done(head, answer);
}

static void
on_answer(struct http_request *request, const struct http_answer *given)
{
    struct object_head *head = request->owner;
    struct object_answer answer = {
        .fate = OBJECT_UNKNOWN,
        .why = given->error,
        .type = given->headers->content_type,
        .sha256 = given->headers->sha256,
    };
    char status[32];

    switch (given->whole ? given->status : 0) {
    case 200:
        answer.fate = OBJECT_FOUND;
        answer.size = strtoull(given->headers->content_length, NULL, 10);
        break;
    case 403: /* the answer for an absent object to whom may not list */
        log_notice("object_forbidden",
                   log_text("hint", "without s3:ListBucket S3 says 403 where "
                                    "there is no object; with s3:GetObject "
                                    "missing it says so always"), );
        /* fall through */
    case 404:
        answer.fate = OBJECT_ABSENT;
        break;
    case 0:
        break;
    default:
        (void)snprintf(status, sizeof(status), "S3 answered %d", given->status);
        answer.why = status;
    }
    tell(head, &answer);
}

static int
sign(struct object_head *head, const struct creds_keys *keys)
{
    const struct sigv4_pair mode = {SLICE("x-amz-checksum-mode"),
                                    SLICE("ENABLED")};
    const struct cloud *cloud = head->cloud;
    int64_t age_ms;

    return aws_sign(&head->lines,
                    &(struct aws_sign){
                        .service = "s3",
                        .region = endpoint_region(cloud->settings),
                        .method = "HEAD",
                        .host = head->place.host,
                        .path = head->path,
                        .headers = &mode,
                        .header_count = 1,
                        .body = SLICE(""),
                        .now_ms = clock_wall_ms() +
                                  aws_clock_offset_ms(cloud->aws, &age_ms),
                    },
                    keys);
}

static bool
write_url(struct object_head *head)
{
    struct buf url;
    bool whole;

    buf_init(&url, sizeof(head->url));
    (void)buf_puts(&url, head->place.plain ? "http://" : "https://");
    (void)buf_puts(&url, head->place.host);
    uri_encode(&url, head->path, strlen(head->path), true);
    (void)buf_putc(&url, '\0');
    whole = !url.failed;
    if (whole)
        memcpy(head->url, url.data, url.len);
    buf_deinit(&url);
    return whole;
}

enum object_fate
object_head_start(struct object_head *head, struct cloud *cloud,
                  const char **why)
{
    static char place_why[ENDPOINT_WHY_MAX];
    const struct creds_keys *keys = creds_get(cloud->creds, why);

    head->cloud = cloud;
    head->lines = (struct aws_head){.lines = {NULL}};
    if (!keys)
        return OBJECT_NO_CREDENTIALS;
    *why = place_why;
    if (!object_place(&head->place, cloud->settings, head->bucket, place_why))
        return OBJECT_UNKNOWN;
    (void)snprintf(head->path, sizeof(head->path), "%s%s", head->place.path,
                   head->key);
    head->request = (struct http_request){
        .method = HTTP_HEAD,
        .url = head->url,
        .headers = head->lines.lines,
        .timeout_ms = OBJECT_TIMEOUT_MS,
        .plain = head->place.plain,
        .done = on_answer,
        .owner = head,
    };
    *why = "out of memory";
    if (write_url(head) && !sign(head, keys) &&
        !http_start(cloud->http, &head->request))
        return OBJECT_FOUND;
    aws_head_deinit(&head->lines);
    return OBJECT_UNKNOWN;
}

void
object_head_cancel(struct object_head *head)
{
    http_cancel(&head->request);
    aws_head_deinit(&head->lines);
}
