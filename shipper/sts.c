#include "shipper/sts.h"

#include "common/fileio.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "common/uri.h"
#include "shipper/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

enum { FORM_MAX = 64 * 1024, TOKEN_FILE_MAX = 20000 };

/* The text of the first element @name, with entities resolved, into @out.
 * Enough of XML for STS: no attributes, comments or CDATA within. */
static bool
element(char *out, size_t size, struct slice xml, const char *name)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = {{"&amp;", '&'},
                    {"&lt;", '<'},
                    {"&gt;", '>'},
                    {"&quot;", '"'},
                    {"&apos;", '\''}};
    char tag[64];
    const char *at, *end = xml.data + xml.len;
    size_t len = 0;

    (void)snprintf(tag, sizeof(tag), "<%s>", name);
    at = xml.data ? memmem(xml.data, xml.len, tag, strlen(tag)) : NULL;
    if (!at)
        return false;
    for (at += strlen(tag); at < end && *at != '<'; len++) {
        size_t step = 1;
        char c = *at;

        for (size_t i = 0; c == '&' && i < sizeof(entities) / sizeof(*entities);
             i++) {
            size_t n = strlen(entities[i].entity);

            if ((size_t)(end - at) >= n && !memcmp(at, entities[i].entity, n)) {
                c = entities[i].c;
                step = n;
                break;
            }
        }
        if (len + 1 >= size)
            return false;
        out[len] = c;
        at += step;
    }
    out[len] = '\0';
    return at < end;
}

static void
read_error(struct sts_answer *answer, int status, struct slice xml)
{
    if (!element(answer->code, sizeof(answer->code), xml, "Code"))
        (void)snprintf(answer->code, sizeof(answer->code), "HTTP%d", status);
    if (!element(answer->message, sizeof(answer->message), xml, "Message"))
        *answer->message = '\0';
    /* What was signed may follow, with the session token. */
    answer->message[strcspn(answer->message, "\r\n")] = '\0';
}

void
sts_read(struct sts_answer *answer, int status, struct slice xml)
{
    char ends[64];

    *answer = (struct sts_answer){.code = ""};
    if (status != 200) {
        read_error(answer, status, xml);
        return;
    }
    if (!element(answer->access_key, sizeof(answer->access_key), xml,
                 "AccessKeyId") ||
        !element(answer->secret, sizeof(answer->secret), xml,
                 "SecretAccessKey") ||
        !element(answer->token, sizeof(answer->token), xml, "SessionToken") ||
        !element(ends, sizeof(ends), xml, "Expiration") ||
        !timefmt_parse(ends, strlen(ends), &answer->expires_ms))
        (void)snprintf(answer->code, sizeof(answer->code), "UnreadableAnswer");
}

static void
call_deinit(struct sts_call *call)
{
    aws_head_deinit(&call->head);
    if (call->form.data)
        OPENSSL_cleanse(call->form.data, call->form.cap);
    buf_deinit(&call->form);
}

static void
on_answer(struct http_request *request, const struct http_answer *given)
{
    struct sts_call *call = request->owner;
    struct sts_answer answer;

    if (given->whole) {
        sts_read(&answer, given->status, given->body);
    } else {
        answer = (struct sts_answer){.code = "NoAnswer"};
        (void)snprintf(answer.message, sizeof(answer.message), "%s",
                       given->error);
    }
    call_deinit(call);
    call->done(call, &answer, given->headers->date);
    OPENSSL_cleanse(&answer, sizeof(answer));
}

static void
put(struct buf *form, const char *name, const char *value)
{
    if (!value)
        return;
    (void)buf_puts(form, form->len ? "&" : "");
    (void)buf_puts(form, name);
    (void)buf_putc(form, '=');
    uri_encode(form, value, strlen(value), false);
}

/* STS: 2 to 64 of letters, digits and _+=,.@-; it shows up in CloudTrail. */
static void
session_name(char name[65], const struct creds_role *role)
{
    char host[40] = "";

    if (role->session) {
        (void)snprintf(name, 65, "%s", role->session);
        return;
    }
    if (gethostname(host, sizeof(host) - 1) < 0)
        *host = '\0';
    for (char *c = host; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789.-",
                    *c))
            *c = '-';
    (void)snprintf(name, 65, "clickspool-%s", host);
}

static int
put_web_token(struct buf *form, const char *path, char why[CREDS_WHY_MAX])
{
    char *token;
    size_t len;
    int r = fileio_read_all(AT_FDCWD, path, TOKEN_FILE_MAX, &token, &len);

    if (r < 0) {
        (void)snprintf(why, CREDS_WHY_MAX, "%s: %s", path, strerror(-r));
        return r;
    }
    while (len && strchr(" \r\n\t", token[len - 1]))
        token[--len] = '\0';
    put(form, "WebIdentityToken", token);
    OPENSSL_cleanse(token, len);
    free(token);
    return 0;
}

static int
write_form(struct buf *form, const struct creds_role *role,
           char why[CREDS_WHY_MAX])
{
    char session[65], duration[24];
    int r = 0;

    session_name(session, role);
    put(form, "Action",
        role->token_file ? "AssumeRoleWithWebIdentity" : "AssumeRole");
    put(form, "Version", "2011-06-15");
    put(form, "RoleArn", role->arn);
    put(form, "RoleSessionName", session);
    if (role->duration_s) {
        (void)snprintf(duration, sizeof(duration), "%" PRId64,
                       role->duration_s);
        put(form, "DurationSeconds", duration);
    }
    if (role->token_file)
        r = put_web_token(form, role->token_file, why);
    else
        put(form, "ExternalId", role->external_id);
    return r ? r : form->failed;
}

static const char *const unsigned_head[] = {"Content-Type: " FORM_TYPE, NULL};

static int
sign(struct sts_call *call, const struct settings *settings,
     const struct endpoint *endpoint, const struct creds_keys *keys,
     int64_t now_ms)
{
    const struct sigv4_pair type = {SLICE("Content-Type"), SLICE(FORM_TYPE)};

    return aws_sign(&call->head,
                    &(struct aws_sign){
                        .service = "sts",
                        .region = endpoint_region(settings),
                        .method = "POST",
                        .host = endpoint->host,
                        .path = "/",
                        .headers = &type,
                        .header_count = 1,
                        .body = {call->form.data, call->form.len},
                        .now_ms = now_ms,
                    },
                    keys);
}

int
sts_call_start(struct sts_call *call, struct http *http,
               const struct settings *settings, const struct creds_role *role,
               const struct creds_keys *keys, int64_t now_ms,
               char why[CREDS_WHY_MAX])
{
    char no_host[ENDPOINT_WHY_MAX];
    struct endpoint endpoint;
    int r = -EINVAL;

    buf_init(&call->form, FORM_MAX);
    call->head = (struct aws_head){.lines = {NULL}};
    (void)snprintf(why, CREDS_WHY_MAX, "out of memory");
    if (!endpoint_find(&endpoint, settings, "sts", no_host))
        (void)snprintf(why, CREDS_WHY_MAX, "%s", no_host);
    else
        r = write_form(&call->form, role, why);
    if (!r && keys)
        r = sign(call, settings, &endpoint, keys, now_ms);
    if (!r) {
        (void)snprintf(call->url, sizeof(call->url), "%s://%s/",
                       endpoint.plain ? "http" : "https", endpoint.host);
        call->request = (struct http_request){
            .url = call->url,
            .headers = keys ? call->head.lines : unsigned_head,
            .body = {call->form.data, call->form.len},
            .timeout_ms = STS_TIMEOUT_MS,
            .plain = endpoint.plain,
            .body_max = STS_ANSWER_MAX,
            .secret = true,
            .done = on_answer,
            .owner = call,
        };
        r = http_start(http, &call->request);
    }
    if (r)
        call_deinit(call);
    return r ? -EINVAL : 0;
}

void
sts_call_cancel(struct sts_call *call)
{
    http_cancel(&call->request);
    call_deinit(call);
}
