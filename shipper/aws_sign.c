#include "shipper/aws_sign.h"

#include "shipper/creds.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

enum { HEAD_LIMIT = 64 * 1024 };

/* What a request is signed with; all borrowed. */
struct signing {
    struct sigv4_scope scope;
    char hash[SIGV4_HEX_SIZE];
    struct sigv4_pair headers[AWS_SIGN_HEADERS_MAX];
    size_t count;
};

static void
add_header(struct signing *signing, const char *name, const char *value)
{
    signing->headers[signing->count++] =
        (struct sigv4_pair){{name, strlen(name)}, {value, strlen(value)}};
}

static void
add_headers(struct signing *signing, const struct aws_sign *request,
            const struct creds_keys *keys)
{
    add_header(signing, "Host", request->host);
    for (size_t i = 0; i < request->header_count; i++)
        signing->headers[signing->count++] = request->headers[i];
    add_header(signing, "X-Amz-Date", signing->scope.stamp);
    if (!strcmp(request->service, "s3"))
        add_header(signing, "X-Amz-Content-Sha256", signing->hash);
    if (keys->token)
        add_header(signing, "X-Amz-Security-Token", keys->token);
}

/* Append the Authorization line. */
static int
authorize(struct buf *text, const struct signing *signing,
          const struct aws_sign *given, const struct creds_keys *keys)
{
    unsigned char key[SIGV4_KEY_SIZE];
    const struct sigv4_signer signer = {signing->scope, keys->access_key, key};
    const struct sigv4_request request = {
        .method = given->method,
        .path = given->path,
        .normalize = strcmp(given->service, "s3") != 0,
        .headers = signing->headers,
        .header_count = signing->count,
        .payload_hash = signing->hash,
    };
    int r = sigv4_derive_key(key, keys->secret, &signing->scope);

    if (r == 0) {
        (void)buf_puts(text, "Authorization: ");
        r = sigv4_authorize(text, &request, &signer);
        (void)buf_putc(text, '\0');
    }
    OPENSSL_cleanse(key, sizeof(key));
    return r;
}

static void
write_lines(struct buf *text, const struct signing *signing)
{
    for (size_t i = 0; i < signing->count; i++) {
        const struct sigv4_pair *pair = &signing->headers[i];

        (void)buf_printf(text, "%.*s: %.*s", (int)pair->name.len,
                         pair->name.data, (int)pair->value.len,
                         pair->value.data);
        (void)buf_putc(text, '\0');
    }
}

int
aws_sign(struct aws_head *head, const struct aws_sign *request,
         const struct creds_keys *keys)
{
    struct signing signing = {
        .scope = {.region = request->region, .service = request->service}};
    struct buf *text = &head->text;
    size_t count = 0;
    int r;

    assert(request->header_count + 5 <= AWS_SIGN_HEADERS_MAX);
    buf_init(text, HEAD_LIMIT);
    sigv4_stamp(signing.scope.stamp, request->now_ms);
    r = sigv4_hash(signing.hash, request->body.data, request->body.len);
    if (r < 0)
        return r;
    add_headers(&signing, request, keys);
    write_lines(text, &signing);
    r = authorize(text, &signing, request, keys);
    if (r || text->failed)
        return r ? r : text->failed;
    for (size_t at = 0; at < text->len; at += strlen(text->data + at) + 1)
        head->lines[count++] = text->data + at;
    head->lines[count] = NULL;
    return 0;
}

void
aws_head_deinit(struct aws_head *head)
{
    if (head->text.data)
        OPENSSL_cleanse(head->text.data, head->text.cap);
    buf_deinit(&head->text);
}
