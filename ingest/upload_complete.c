#include "ingest/uploads.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/uri.h"
#include "ingest/broker_client.h"
#include "ingest/exchange.h"
#include "ingest/keeper.h"
#include "ingest/own_entry.h"
#include "ingest/policy.h"
#include "ingest/scan.h"
#include "ingest/tail.h"
#include "ingest/token_cache.h"
#include "ingest/upload_answer.h"
#include "ingest/upload_key.h"
#include "ingest/upload_seal.h"
#include "ingest/upload_wish.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

enum { ANSWER_MAX = 64 * 1024 };

/* A complete that waits for a HEAD.  The request's head is gone by the time,
 * so what its entry needs of it is kept. */
struct completion {
    struct broker_query query;
    struct uploads *uploads;
    struct exchange *exchange;
    struct upload upload;
    struct buf metadata;
    struct request_head head;
    char agent[TAIL_AGENT_MAX];
};

static void
completion_free(struct completion *completion)
{
    buf_deinit(&completion->metadata);
    free(completion);
}

/* Where the object is read from. */
static void
write_object_url(struct buf *out, const struct exchange *exchange,
                 const struct uploads *uploads, const char *key)
{
    const char *base = exchange->policy->uploads.public_base_url, *why;
    const struct upload_key *upload_key =
        keeper_upload_key(uploads->options.keeper, &why);
    size_t len;

    if (!*base && upload_key)
        base = upload_key->base;
    len = strlen(base);
    (void)buf_append(out, base, len && base[len - 1] == '/' ? len - 1 : len);
    (void)buf_putc(out, '/');
    uri_encode(out, key, strlen(key), true);
}

static void
write_completed(struct buf *out, const struct completion *completion)
{
    const struct upload *upload = &completion->upload;

    (void)buf_puts(out, "{\"key\":");
    json_string(out, upload->key);
    (void)buf_puts(out, ",\"url\":\"");
    write_object_url(out, completion->exchange, completion->uploads,
                     upload->key);
    (void)buf_printf(out,
                     "\",\"size\":%" PRIu64 ",\"contentType\":", upload->size);
    json_string(out, upload->type);
    (void)buf_puts(out, ",\"metadata\":");
    (void)buf_append(out, completion->metadata.data, completion->metadata.len);
    (void)buf_puts(out, "}\n");
}

static void
complete(struct completion *completion)
{
    struct buf body, more;

    buf_init(&body, ANSWER_MAX);
    write_completed(&body, completion);
    upload_write_members(&more, &completion->upload);
    (void)buf_puts(&more, ",\"metadata\":");
    (void)buf_append(&more, completion->metadata.data,
                     completion->metadata.len);
    upload_answer_after(completion->exchange,
                        &(struct own_entry){
                            .category = "upload",
                            .action = "complete",
                            .outcome = "success",
                            .status = 201,
                            .more = {more.data, more.len},
                        },
                        &body);
    buf_deinit(&more);
}

/* Does the object that is there agree with what was promised? */
static enum problem
judge_object(const struct upload *upload, const cJSON *answer)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(answer, "found");
    const char *type = json_get_string(answer, "contentType");
    const char *sha256 = json_get_string(answer, "checksumSha256");
    uint64_t size;

    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok")))
        return PROBLEM_STORAGE_UNAVAILABLE;
    if (!cJSON_IsTrue(found))
        return PROBLEM_NOT_UPLOADED;
    if (!json_get_uint(answer, "size", &size) || size != upload->size ||
        !type || strcmp(type, upload->type))
        return PROBLEM_UPLOAD_MISMATCH;
    if (*upload->sha256 && sha256 && strcmp(sha256, upload->sha256))
        return PROBLEM_UPLOAD_MISMATCH;
    return PROBLEM_NONE;
}

static void
on_head(struct broker_query *query, const cJSON *answer)
{
    struct completion *completion = query->owner;
    struct exchange *exchange = completion->exchange;
    enum problem problem = judge_object(&completion->upload, answer);

    exchange->head = &completion->head;
    if (problem)
        upload_refuse(exchange, "complete", problem);
    else
        complete(completion);
    completion_free(completion);
}

/* Of the head: the path, and what the client calls itself. */
static void
keep_head(struct completion *completion, const struct exchange *exchange)
{
    struct slice agent = request_field(exchange->head, "user-agent");

    if (agent.len > sizeof(completion->agent))
        agent.len = sizeof(completion->agent);
    if (agent.len)
        memcpy(completion->agent, agent.data, agent.len);
    completion->head.path = SLICE("/uploads/complete");
    completion->head.fields[0] =
        (struct request_field){SLICE("user-agent"),
                               {completion->agent, agent.len}};
    completion->head.field_count = agent.len ? 1 : 0;
}

static enum problem
judge_done(struct exchange *exchange, const struct upload_done *done,
           struct upload *upload)
{
    const struct uploads *uploads = uploads_of(exchange);
    int64_t now_ms = keeper_now_ms(uploads->options.keeper);

    if (!uploads->seal)
        return PROBLEM_SECRETS_UNAVAILABLE;
    if (upload_seal_open(uploads->seal, done->id, upload) < 0)
        return PROBLEM_INVALID_UPLOAD_ID;
    if (strcmp(upload->sub, exchange->token->sub))
        return PROBLEM_NOT_YOUR_UPLOAD;
    if (now_ms >= upload->expires_ms)
        return PROBLEM_UPLOAD_EXPIRED;
    if (done->key.data && !slice_is(done->key, upload->key))
        return PROBLEM_UPLOAD_MISMATCH;
    return PROBLEM_NONE;
}

/* Return: whether the broker has been asked. */
static bool
ask_head(struct completion *completion)
{
    struct buf members;
    bool asked;

    buf_init(&members, 4 * UPLOAD_KEY_MAX);
    (void)buf_puts(&members, "\"ask\":\"head\",\"key\":");
    json_string(&members, completion->upload.key);
    (void)buf_putc(&members, '\0');
    asked = !members.failed &&
            broker_client_ask(completion->uploads->heads, &completion->query,
                              members.data) == 0;
    buf_deinit(&members);
    return asked;
}

static struct completion *
completion_new(struct exchange *exchange, const struct upload *upload,
               const struct upload_done *done)
{
    struct completion *completion = calloc(1, sizeof(*completion));
    const struct scan_value metadata = {.kind = SCAN_OBJECT,
                                        .bytes = done->metadata,
                                        .spaced = done->metadata_spaced};

    if (!completion)
        return NULL;
    completion->uploads = uploads_of(exchange);
    completion->exchange = exchange;
    completion->upload = *upload;
    completion->query.done = on_head;
    completion->query.owner = completion;
    buf_init(&completion->metadata, 2 * UPLOAD_METADATA_BYTES_MAX);
    if (done->metadata.data)
        scan_copy(&completion->metadata, &metadata);
    else
        (void)buf_puts(&completion->metadata, "{}");
    keep_head(completion, exchange);
    return completion;
}

void
uploads_complete(struct exchange *exchange)
{
    enum problem problem = uploads_admit_user(exchange);
    struct completion *completion;
    struct upload_fault fault;
    struct upload_done done;
    struct upload upload;

    if (problem) {
        upload_refuse(exchange, "complete", problem);
        return;
    }
    if (upload_done_read(&done, exchange->body, &fault) < 0) {
        upload_refuse_item(exchange, "complete", PROBLEM_INVALID_REQUEST,
                           &fault);
        return;
    }
    problem = judge_done(exchange, &done, &upload);
    if (problem) {
        upload_refuse(exchange, "complete", problem);
        return;
    }
    completion = completion_new(exchange, &upload, &done);
    if (completion && ask_head(completion))
        return;
    if (completion)
        completion_free(completion);
    upload_refuse(exchange, "complete", PROBLEM_STORAGE_UNAVAILABLE);
}
