#include "shipper/http.h"

#include <stddef.h>
#include <string.h>

void
http_headers_take(struct http_headers *headers, struct slice name,
                  struct slice value)
{
    static const struct {
        const char *name;
        size_t offset;
    } kept[] = {
        {"Date", offsetof(struct http_headers, date)},
        {"Age", offsetof(struct http_headers, age)},
        {"Retry-After", offsetof(struct http_headers, retry_after)},
        {"x-amz-retry-after", offsetof(struct http_headers, retry_after_ms)},
        {"x-amzn-RequestId", offsetof(struct http_headers, request_id)},
        {"x-amzn-ErrorType", offsetof(struct http_headers, error_type)},
        {"Cache-Control", offsetof(struct http_headers, cache_control)},
        {"Content-Length", offsetof(struct http_headers, content_length)},
        {"Content-Type", offsetof(struct http_headers, content_type)},
        {"x-amz-checksum-sha256", offsetof(struct http_headers, sha256)},
    };

    if (value.len >= HTTP_VALUE_MAX)
        return;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (slice_is_nocase(name, kept[i].name)) {
            char *to = (char *)headers + kept[i].offset;

            if (value.len)
                memcpy(to, value.data, value.len);
            to[value.len] = '\0';
        }
}
