#include "common/issuer.h"
#include "common/json.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/doctor.h"
#include "shipper/ctl/print.h"
#include "shipper/endpoint.h"
#include "shipper/object.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CLOCK_WARN_MS = 5 * 1000,      /* Date has whole seconds */
    CLOCK_FAIL_MS = 4 * 60 * 1000, /* signatures are good for 5 minutes */
    HALF_SECOND_MS = 500,
};

static int
addresses_of(const char *host, unsigned *count)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char name[ENDPOINT_HOST_MAX];
    size_t len = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":");
    int r;

    (void)snprintf(name, sizeof(name), "%.*s", (int)len, host);
    r = getaddrinfo(name, NULL, &hints, &found);
    *count = 0;
    if (r)
        return r;
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        (*count)++;
    freeaddrinfo(found);
    return 0;
}

static void
tell_clock(struct doctor *doctor, const char *host,
           const struct web_answer *answer)
{
    int64_t middle_ms = answer->sent_ms + answer->took_ms / 2;
    int64_t ahead_ms = answer->date_ms + HALF_SECOND_MS - middle_ms;
    int64_t off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;

    if (!answer->date_ms)
        doctor_tell(doctor, DOCTOR_WARN, "clock", NULL, "%s tells no Date",
                    host);
    else if (off_ms >= CLOCK_WARN_MS)
        doctor_tell(doctor, off_ms >= CLOCK_FAIL_MS ? DOCTOR_FAIL : DOCTOR_WARN,
                    "clock",
                    "have it set by NTP (timedatectl): entries carry its time, "
                    "and tokens end by it",
                    "%s is %.1f s %s ours", host, (double)off_ms / 1000,
                    ahead_ms > 0 ? "ahead of" : "behind");
    else
        doctor_tell(doctor, DOCTOR_OK, "clock", NULL, "within %d s of %s",
                    CLOCK_WARN_MS / 1000, host);
}

static const char *
hint_for(enum web_fault fault)
{
    switch (fault) {
    case WEB_NAME:
        return "look at /etc/resolv.conf, and at [aws] region and endpoint_url";
    case WEB_CONNECT:
        return "outbound HTTPS (port 443) has to be let through";
    case WEB_TLS:
        return "install ca-certificates; where a proxy has a certificate of "
               "its own, AWS_CA_BUNDLE names it";
    case WEB_SILENT:
    case WEB_FINE:
        break;
    }
    return "see whether a firewall or proxy stands between";
}

/* Return: whether it answers. */
static bool
reach(struct doctor *doctor, const char *service, const char *host, bool plain)
{
    struct web_place place = {.ca = getenv("AWS_CA_BUNDLE"), .local = true};
    struct web_answer answer;
    unsigned count;
    bool reached;
    int r = addresses_of(host, &count);

    if (r) {
        doctor_tell(doctor, DOCTOR_FAIL, "dns", hint_for(WEB_NAME), "%s: %s",
                    host, gai_strerror(r));
        return false;
    }
    doctor_tell(doctor, DOCTOR_OK, "dns", NULL, "%s: %u address%s", host, count,
                count == 1 ? "" : "es");
    if (place.ca && !*place.ca)
        place.ca = NULL;
    (void)snprintf(place.base, sizeof(place.base), "%s%s",
                   plain ? "http://" : "https://", host);
    reached = web_ask(&(struct web_request){.method = "GET",
                                            .place = &place,
                                            .path = "/"},
                      &answer);
    if (!reached)
        doctor_tell(doctor, DOCTOR_FAIL,
                    answer.fault == WEB_TLS ? "tls" : "connection",
                    hint_for(answer.fault), "%s: %s", host, answer.error);
    else
        doctor_tell(doctor, DOCTOR_OK, plain ? "connection" : "tls", NULL,
                    "%s answers in %" PRId64 " ms", host, answer.took_ms);
    if (reached && !strcmp(service, "logs"))
        tell_clock(doctor, host, &answer);
    web_answer_deinit(&answer);
    return reached;
}

static bool
reach_service(struct doctor *doctor, const char *service)
{
    const struct settings *settings = &doctor->ctl->settings;
    char why[ENDPOINT_WHY_MAX];
    struct endpoint endpoint;

    if (!endpoint_find(&endpoint, settings, service, why)) {
        doctor_tell(doctor, DOCTOR_FAIL, "endpoint",
                    "[aws] endpoint_url and AWS_ENDPOINT_URL say where",
                    "%s: %s", service, why);
        return false;
    }
    return reach(doctor, service, endpoint.host, endpoint.plain);
}

static void
look_at_keys(struct doctor *doctor)
{
    static const char hint[] = "without its keys tokens and uploads are "
                               "refused; [auth] user_pool_id says whose";
    struct web_place place = {.ca = getenv("AWS_CA_BUNDLE"), .local = true};
    struct web_answer answer;
    struct issuer issuer;
    cJSON *tree = NULL;
    int keys;

    issuer_find(&issuer, &doctor->ctl->settings);
    if (!*issuer.name) {
        doctor_tell(doctor, DOCTOR_WARN, "keys",
                    "set [auth] user_pool_id and client_ids where users sign "
                    "in",
                    "no issuer is configured: every token is refused");
        return;
    }
    if (place.ca && !*place.ca)
        place.ca = NULL;
    if (web_ask(&(struct web_request){.method = "GET",
                                      .place = &place,
                                      .url = issuer.jwks_url},
                &answer))
        tree = json_parse(answer.body.data, answer.body.len);
    keys = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "keys"));
    if (answer.status == 200 && keys)
        doctor_tell(doctor, DOCTOR_OK, "keys", NULL, "%s: %d keys",
                    issuer.jwks_url, keys);
    else if (answer.status)
        doctor_tell(doctor, DOCTOR_FAIL, "keys", hint,
                    "%s answers %d, and no keys", issuer.jwks_url,
                    answer.status);
    else
        doctor_tell(doctor, DOCTOR_FAIL, "keys", hint, "%s: %s",
                    issuer.jwks_url, answer.error);
    cJSON_Delete(tree);
    web_answer_deinit(&answer);
}

void
doctor_reach(struct doctor *doctor)
{
    const struct settings *settings = &doctor->ctl->settings;

    doctor->logs_reached = reach_service(doctor, "logs");
    if (*settings->secrets.app_config || *settings->secrets.export_dir)
        doctor->secrets_reached = reach_service(doctor, "secretsmanager");
    if (*settings->aws.role_arn || *settings->uploads.role_arn)
        (void)reach_service(doctor, "sts");
    look_at_keys(doctor);
}
