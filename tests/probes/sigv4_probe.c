/*
 * The signer by itself, for outside suites: each line of stdin is a JSON
 * document, each line of stdout its signature, or "unsupported".
 */
#include "common/buf.h"
#include "common/json.h"
#include "common/sigv4.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MAX = 1024 * 1024 };

static const char *
text_of(const cJSON *document, const char *name)
{
    const char *text = json_get_string(document, name);

    return text ? text : "";
}

static bool
flag_of(const cJSON *document, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(document, name));
}

static struct slice
slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

/* An array of [name, value] into @pairs; false where there are too many. */
static bool
read_pairs(const cJSON *array, struct sigv4_pair *pairs, size_t *count)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        if (*count == SIGV4_PAIRS_MAX)
            return false;
        pairs[*count].name =
            slice_of(cJSON_GetStringValue(cJSON_GetArrayItem(item, 0)));
        pairs[(*count)++].value =
            slice_of(cJSON_GetStringValue(cJSON_GetArrayItem(item, 1)));
    }
    return true;
}

struct question {
    struct sigv4_pair query[SIGV4_PAIRS_MAX];
    struct sigv4_pair headers[SIGV4_PAIRS_MAX + 3];
    struct sigv4_request request;
    struct sigv4_signer signer;
    unsigned char key[SIGV4_KEY_SIZE];
    char hash[SIGV4_HEX_SIZE];
    const char *token; /* NULL: none that is signed */
    bool presigned;
};

static void
add_header(struct question *question, const char *name, const char *value)
{
    question->headers[question->request.header_count++] =
        (struct sigv4_pair){slice_of(name), slice_of(value)};
}

static void
add_own_headers(struct question *question, bool with_hash)
{
    add_header(question, "X-Amz-Date", question->signer.scope.stamp);
    if (question->token)
        add_header(question, "X-Amz-Security-Token", question->token);
    if (with_hash)
        add_header(question, "X-Amz-Content-SHA256", question->hash);
}

static bool
read_question(struct question *question, const cJSON *document)
{
    struct sigv4_request *request = &question->request;
    struct sigv4_signer *signer = &question->signer;
    const char *token = text_of(document, "session_token");
    struct slice body = slice_of(text_of(document, "body"));

    *request = (struct sigv4_request){
        .method = text_of(document, "method"),
        .path = text_of(document, "path"),
        .normalize = flag_of(document, "normalize"),
        .query = question->query,
        .headers = question->headers,
    };
    if (!read_pairs(cJSON_GetObjectItemCaseSensitive(document, "query"),
                    question->query, &request->query_count) ||
        !read_pairs(cJSON_GetObjectItemCaseSensitive(document, "headers"),
                    question->headers, &request->header_count))
        return false;

    signer->access_key = text_of(document, "access_key");
    signer->key = question->key;
    signer->scope.region = text_of(document, "region");
    signer->scope.service = text_of(document, "service");
    (void)snprintf(signer->scope.stamp, SIGV4_STAMP_SIZE, "%s",
                   text_of(document, "date"));
    if (sigv4_derive_key(question->key, text_of(document, "secret_key"),
                         &signer->scope) < 0 ||
        sigv4_hash(question->hash, body.data, body.len) < 0)
        return false;

    question->token =
        *token && !flag_of(document, "omit_session_token") ? token : NULL;
    question->presigned = !strcmp(text_of(document, "mode"), "query");
    request->payload_hash =
        question->presigned && !strcmp(signer->scope.service, "s3")
            ? SIGV4_UNSIGNED_PAYLOAD
            : question->hash;
    if (!question->presigned)
        add_own_headers(question, flag_of(document, "sign_body"));
    return true;
}

static void
answer(const char *line, size_t len)
{
    cJSON *document = json_parse(line, len);
    struct question question = {.token = NULL};
    struct buf out;
    int r = SIGV4_UNSUPPORTED;

    buf_init(&out, ANSWER_MAX);
    if (document && read_question(&question, document)) {
        double expires = cJSON_GetNumberValue(
            cJSON_GetObjectItemCaseSensitive(document, "expires"));

        r = question.presigned
                ? sigv4_presign(&out, &question.request, &question.signer,
                                question.token, (int64_t)expires)
                : sigv4_authorize(&out, &question.request, &question.signer);
    }
    if (r)
        puts("unsupported");
    else
        printf("%.*s\n", SIGV4_HEX_SIZE - 1,
               out.data + out.len - (SIGV4_HEX_SIZE - 1));
    buf_deinit(&out);
    cJSON_Delete(document);
}

int
main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 0)
        answer(line, (size_t)len);
    free(line);
    return 0;
}
