#include "ingest/uploads.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "common/uri.h"
#include "common/uuid.h"
#include "ingest/app.h"
#include "ingest/auth.h"
#include "ingest/broker_client.h"
#include "ingest/exchange.h"
#include "ingest/ids.h"
#include "ingest/jwt.h"
#include "ingest/keeper.h"
#include "ingest/own_entry.h"
#include "ingest/policy.h"
#include "ingest/presign.h"
#include "ingest/scan.h"
#include "ingest/tail.h"
#include "ingest/token_cache.h"
#include "ingest/upload_answer.h"
#include "ingest/upload_key.h"
#include "ingest/upload_seal.h"
#include "ingest/upload_wish.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MAX = 64 * 1024, MORE_MAX = 16 * 1024, LEAST_LIFE_MS = 1000 };

struct uploads *
uploads_of(const struct exchange *exchange)
{
    return ((struct app *)exchange->app)->uploads;
}

enum problem
uploads_admit(const struct exchange *exchange)
{
    const struct request_head *head = exchange->head;
    struct slice rest,
        type = slice_split(request_field(head, "content-type"), ';', &rest);

    if (head->body == REQUEST_NO_BODY)
        return PROBLEM_LENGTH_REQUIRED;
    if (!slice_is_nocase(slice_trim(type), "application/json") ||
        request_field(head, "content-encoding").len)
        return PROBLEM_JSON_WANTED;
    return PROBLEM_NONE;
}

/* Where nothing can be sealed or stored nothing is signed, and who is not in
 * the group is told so whatever the body is. */
enum problem
uploads_admit_user(const struct exchange *exchange)
{
    const struct token *token = exchange->token;
    const char *group = exchange->policy->upload_group;

    if (*group && !jwt_in_group(token->groups, token->groups_len, group))
        return PROBLEM_NOT_IN_GROUP;
    if (exchange->body.len > UPLOADS_BODY_MAX)
        return PROBLEM_BODY_TOO_LARGE;
    return app_admit(exchange->app);
}

static enum problem
judge_wish(const struct upload_policy *policy, const struct upload_wish *wish)
{
    const char *words = policy->content_types, *word;
    bool allowed = false;
    size_t len;

    while ((word = settings_word(&words, &len)))
        allowed |= slice_equal((struct slice){word, len}, wish->type);
    if (!allowed)
        return PROBLEM_CONTENT_TYPE_NOT_ALLOWED;
    return wish->length > (uint64_t)policy->max_size ? PROBLEM_UPLOAD_TOO_LARGE
                                                     : PROBLEM_NONE;
}

/* What a file of that type is called at its end. */
static void
extension_of(char out[16], struct slice type)
{
    struct slice subtype, rest;
    size_t len = 0;

    (void)slice_split(type, '/', &subtype);
    subtype = slice_split(subtype, '+', &rest);
    if (slice_is(subtype, "jpeg"))
        subtype = SLICE("jpg");
    while (len < 15 && len < subtype.len && subtype.data[len] != '/') {
        out[len] = subtype.data[len];
        len++;
    }
    out[len] = '\0';
}

static void
make_upload(struct upload *upload, const struct exchange *exchange,
            const struct upload_wish *wish)
{
    const struct token *token = exchange->token;
    struct slice owner = wish->product.data
                             ? wish->product
                             : (struct slice){token->sub, token->sub_len};
    char uuid[UUID_SIZE], extension[16];

    *upload = (struct upload){.size = wish->length};
    ids_uuid7(upload->id, exchange->received_ms);
    uuid_print(uuid, upload->id);
    extension_of(extension, wish->type);
    (void)snprintf(upload->key, sizeof(upload->key), "%s%.*s/%s.%s",
                   exchange->policy->uploads.key_prefix, (int)owner.len,
                   owner.data, uuid, extension);
    (void)snprintf(upload->sub, sizeof(upload->sub), "%s", token->sub);
    (void)snprintf(upload->type, sizeof(upload->type), "%.*s",
                   (int)wish->type.len, wish->type.data);
    (void)snprintf(upload->sha256, sizeof(upload->sha256), "%.*s",
                   (int)wish->sha256.len,
                   wish->sha256.data ? wish->sha256.data : "");
}

/* Return: 0, or a negative errno. */
static int
write_presigned(struct buf *out, const struct uploads *uploads,
                const struct upload_key *key, struct upload *upload,
                int64_t life_ms)
{
    int64_t now_ms = keeper_now_ms(uploads->options.keeper);
    int64_t ends_ms = presign_ends_ms(key, now_ms, life_ms);
    int64_t seconds = (ends_ms - now_ms) / 1000;
    char ends[TIMEFMT_SIZE];
    struct buf url;
    int r;

    seconds = seconds < 1 ? 1 : seconds;
    upload->expires_ms = now_ms + UPLOADS_ID_LIVES * life_ms;
    buf_init(&url, ANSWER_MAX);
    r = presign_url(&url, key, upload, now_ms, seconds);
    timefmt_rfc3339(ends, now_ms / 1000 * 1000 + seconds * 1000);

    (void)buf_puts(out, "{\"uploadId\":\"");
    if (!r)
        r = upload_seal_close(uploads->seal, upload, out);
    (void)buf_printf(out, "\",\"method\":\"PUT\",\"url\":\"%.*s\"",
                     (int)url.len, url.data ? url.data : "");
    (void)buf_puts(out, ",\"headers\":{\"content-type\":");
    json_string(out, upload->type);
    (void)buf_puts(out, ",\"if-none-match\":\"*\"");
    if (*upload->sha256)
        (void)buf_printf(out, ",\"x-amz-checksum-sha256\":\"%s\"",
                         upload->sha256);
    (void)buf_puts(out, "},\"key\":");
    json_string(out, upload->key);
    (void)buf_printf(out, ",\"expiresAt\":\"%s\"}\n", ends);
    buf_deinit(&url);
    return r;
}

void
uploads_presign(struct exchange *exchange)
{
    struct uploads *uploads = uploads_of(exchange);
    const struct upload_policy *policy = &exchange->policy->uploads;
    const struct upload_key *key;
    enum problem problem = uploads_admit_user(exchange);
    struct upload_fault fault;
    struct upload_wish wish;
    struct upload upload;
    struct buf body, more;
    const char *why;

    if (problem) {
        upload_refuse(exchange, "presign", problem);
        return;
    }
    if (upload_wish_read(&wish, exchange->body, &fault) < 0) {
        upload_refuse_item(exchange, "presign", PROBLEM_INVALID_REQUEST,
                           &fault);
        return;
    }
    problem = judge_wish(policy, &wish);
    key = keeper_upload_key(uploads->options.keeper, &why);
    if (!problem &&
        (!uploads->seal || !key ||
         !upload_key_for(key, keeper_now_ms(uploads->options.keeper))))
        problem = PROBLEM_SECRETS_UNAVAILABLE;
    if (problem) {
        upload_refuse(exchange, "presign", problem);
        return;
    }

    make_upload(&upload, exchange, &wish);
    buf_init(&body, ANSWER_MAX);
    upload_write_members(&more, &upload);
    if (write_presigned(&body, uploads, key, &upload, policy->expires_ms) < 0)
        body.failed = -ENOMEM;
    upload_answer_after(exchange,
                        &(struct own_entry){
                            .category = "upload",
                            .action = "presign",
                            .outcome = "success",
                            .status = 201,
                            .more = {more.data, more.len},
                        },
                        &body);
    buf_deinit(&more);
}

int
uploads_new(struct uploads **created, const struct uploads_options *options)
{
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    int r = 0;

    if (!uploads)
        return -ENOMEM;
    uploads->options = *options;
    if (options->state_dirfd >= 0)
        r = upload_seal_new(&uploads->seal, options->state_dirfd);
    if (r < 0)
        log_error("seal_unusable",
                  log_text("dir", options->settings->spool.state_dir),
                  log_text("file", "seal.key"),
                  log_text("why", r == -EINVAL ? "it is no key of 32 bytes: "
                                                 "remove it for a new one"
                                               : strerror(-r)), );
    if (!r)
        r = broker_client_new(&uploads->heads, options->loop,
                              options->settings->broker.socket, NULL, NULL);
    if (r < 0) {
        uploads_free(uploads);
        return r;
    }
    *created = uploads;
    return 0;
}

void
uploads_close(struct uploads *uploads)
{
    if (uploads)
        broker_client_close(uploads->heads);
}

void
uploads_free(struct uploads *uploads)
{
    if (!uploads)
        return;
    upload_seal_free(uploads->seal);
    free(uploads);
}

void
uploads_check(struct settings *settings)
{
    const char *prefix = settings->uploads.key_prefix;
    const char *base = settings->uploads.public_base_url;
    size_t plain = strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789/._-");

    if (prefix[plain] || *prefix == '/' || plain > 512)
        settings_complain(settings, "uploads.key_prefix",
                          "up to 512 of A-Za-z0-9/._-, no slash in front");
    if (*base && strncmp(base, "https://", 8) && strncmp(base, "http://", 7))
        settings_complain(settings, "uploads.public_base_url",
                          "give an URL, as in https://d1.cloudfront.net");
}
