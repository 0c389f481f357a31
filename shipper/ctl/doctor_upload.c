#include "common/buf.h"
#include "common/json.h"
#include "shipper/ctl/doctor.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024, HEADERS_MAX = 8, HEADER_SIZE = 512 };

/* One pixel. */
static const char image[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55"
    "\0\0\0\nIDAT\x78\xda\x63\xf8\x0f\0\1\1\1\0\x1c\xb0\x8c\x99"
    "\0\0\0\0IEND\xae\x42\x60\x82";

enum { IMAGE_BYTES = sizeof(image) - 1 };

struct upload {
    struct doctor *doctor;
    const struct doctor_site *site;
    struct buf bearer;
    struct web_place anywhere; /* for whole URLs */
    cJSON *promise;            /* what presign answered */
    const char *url;           /* of it; with its query */
    const char *key;
};

static void
tell_problem(struct upload *upload, const char *step,
             const struct web_answer *answer)
{
    cJSON *tree = json_parse(answer->body.data, answer->body.len);
    const char *code = json_get_string(tree, "code");
    const char *detail = json_get_string(tree, "detail");
    const char *hint = NULL;

    if (answer->status == 403)
        hint = "the token's user has to be in [auth] upload_group";
    else if (answer->status == 404)
        hint = "what stands in front has to hand /uploads/ on; a complete that "
               "finds no object may lack s3:GetObject";
    else if (answer->status == 503)
        hint = "on the server, clickspoolctl doctor says what is missing";
    if (answer->status)
        doctor_tell(upload->doctor, DOCTOR_FAIL, "upload", hint,
                    "%s: %d %s: %s", step, answer->status, code ? code : "",
                    detail ? detail : "");
    else
        doctor_tell(upload->doctor, DOCTOR_FAIL, "upload", NULL, "%s: %s", step,
                    answer->error);
    cJSON_Delete(tree);
}

/* Return: the object of a 201, or NULL, told. */
static cJSON *
ask_ingest(struct upload *upload, const char *path, const struct buf *body)
{
    const char *headers[] = {"Content-Type: application/json",
                             upload->bearer.data, NULL};
    struct web_answer answer;
    cJSON *tree = NULL;

    (void)web_ask(&(struct web_request){.method = "POST",
                                        .place = &upload->site->place,
                                        .path = path,
                                        .headers = headers,
                                        .body = {body->data, body->len}},
                  &answer);
    if (answer.status == 201)
        tree = json_parse(answer.body.data, answer.body.len);
    if (!tree)
        tell_problem(upload, path, &answer);
    web_answer_deinit(&answer);
    return tree;
}

static bool
presign(struct upload *upload)
{
    struct buf body;

    buf_init(&body, BODY_MAX);
    (void)buf_printf(&body,
                     "{\"contentType\":\"image/png\",\"contentLength\":%d,"
                     "\"productId\":\"clickspoolctl-doctor\"}",
                     IMAGE_BYTES);
    upload->promise = ask_ingest(upload, "/uploads/presign", &body);
    buf_deinit(&body);
    if (!upload->promise)
        return false;
    upload->url = json_get_string(upload->promise, "url");
    upload->key = json_get_string(upload->promise, "key");
    if (upload->url && upload->key)
        return true;
    doctor_tell(upload->doctor, DOCTOR_FAIL, "upload", NULL,
                "presign answers without url and key");
    return false;
}

/* With exactly the headers that were told, as a browser does it. */
static bool
put(struct upload *upload)
{
    const cJSON *told =
        cJSON_GetObjectItemCaseSensitive(upload->promise, "headers");
    char lines[HEADERS_MAX][HEADER_SIZE];
    const char *headers[HEADERS_MAX + 2] = {NULL};
    struct web_answer answer;
    const cJSON *header;
    size_t count = 0;
    bool done;

    cJSON_ArrayForEach(header, told)
    {
        const char *value = cJSON_GetStringValue(header);

        if (!value || count == HEADERS_MAX)
            continue;
        (void)snprintf(lines[count], HEADER_SIZE, "%s: %s", header->string,
                       value);
        headers[count] = lines[count];
        count++;
    }
    (void)web_ask(&(struct web_request){.method = "PUT",
                                        .place = &upload->anywhere,
                                        .url = upload->url,
                                        .headers = headers,
                                        .body = {image, IMAGE_BYTES}},
                  &answer);
    done = answer.status == 200;
    if (!done)
        doctor_tell(upload->doctor, DOCTOR_FAIL, "upload",
                    "whoever signs uploads needs s3:PutObject on the prefix",
                    "PUT: %d %.300s", answer.status,
                    answer.status ? answer.body.data : answer.error);
    web_answer_deinit(&answer);
    return done;
}

/* Return: where the image is read from, for free(); or NULL, told. */
static char *
complete(struct upload *upload)
{
    const char *id = json_get_string(upload->promise, "uploadId"), *url;
    char *copy = NULL;
    struct buf body;
    cJSON *tree;

    buf_init(&body, BODY_MAX);
    (void)buf_puts(&body, "{\"uploadId\":");
    json_string(&body, id ? id : "");
    (void)buf_puts(&body, ",\"key\":");
    json_string(&body, upload->key);
    (void)buf_putc(&body, '}');
    tree = ask_ingest(upload, "/uploads/complete", &body);
    buf_deinit(&body);
    url = json_get_string(tree, "url");
    if (tree)
        doctor_tell(upload->doctor, DOCTOR_OK, "upload", NULL,
                    "%s is there; delete it when you like", upload->key);
    if (url)
        copy = strdup(url);
    cJSON_Delete(tree);
    return copy;
}

/* How long "https://host" is. */
static size_t
authority_len(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?") : 0;
}

static void
read_unsigned(struct upload *upload)
{
    size_t len = strcspn(upload->url, "?");
    struct web_answer answer;
    char *url = strndup(upload->url, len);

    if (!url)
        return;
    (void)web_ask(&(struct web_request){.method = "GET",
                                        .place = &upload->anywhere,
                                        .url = url},
                  &answer);
    if (answer.status == 403)
        doctor_tell(upload->doctor, DOCTOR_OK, "private", NULL,
                    "the bucket answers 403 without a signature");
    else
        doctor_tell(upload->doctor, DOCTOR_FAIL, "private",
                    "block public access to the bucket, and drop policies that "
                    "let anybody read",
                    "the bucket answers %d without a signature", answer.status);
    web_answer_deinit(&answer);
    free(url);
}

static void
read_public(struct upload *upload, const char *url)
{
    size_t len = authority_len(url);
    struct web_answer answer;
    bool same;

    if (len == authority_len(upload->url) && !memcmp(url, upload->url, len)) {
        doctor_tell(upload->doctor, DOCTOR_WARN, "public",
                    "set [uploads] public_base_url to the CloudFront domain",
                    "images are told with the bucket's own address, which is "
                    "private");
        return;
    }
    (void)web_ask(&(struct web_request){.method = "GET",
                                        .place = &upload->anywhere,
                                        .url = url},
                  &answer);
    same = answer.status == 200 && answer.body.len == IMAGE_BYTES &&
           !memcmp(answer.body.data, image, IMAGE_BYTES);
    if (same)
        doctor_tell(upload->doctor, DOCTOR_OK, "public", NULL, "%.*s shows it",
                    (int)len, url);
    else
        doctor_tell(upload->doctor, DOCTOR_FAIL, "public",
                    "CloudFront has to read the bucket (origin access "
                    "control), and [uploads] public_base_url to name it",
                    "%s: %d %s", url, answer.status,
                    answer.status ? "and not the image" : answer.error);
    web_answer_deinit(&answer);
}

static void
follow(struct upload *upload)
{
    char *url;

    if (!presign(upload))
        return;
    doctor_preflight(upload->doctor,
                     &(struct doctor_preflight){
                         .place = &upload->anywhere,
                         .url = upload->url,
                         .method = "PUT",
                         .headers = "content-type,if-none-match",
                         .hint = DOCTOR_BUCKET_CORS,
                     },
                     upload->site->origin);
    if (!put(upload))
        return;
    read_unsigned(upload);
    url = complete(upload);
    if (url)
        read_public(upload, url);
    free(url);
}

void
doctor_upload(struct doctor *doctor, const struct doctor_site *site)
{
    struct upload upload = {
        .doctor = doctor,
        .site = site,
        .anywhere = {.ca = doctor->ca},
    };

    buf_init(&upload.bearer, BODY_MAX);
    (void)buf_printf(&upload.bearer, "Authorization: Bearer %s", site->token);
    if (upload.bearer.data)
        follow(&upload);
    if (upload.bearer.data)
        explicit_bzero(upload.bearer.data, upload.bearer.len);
    buf_deinit(&upload.bearer);
    cJSON_Delete(upload.promise);
}
