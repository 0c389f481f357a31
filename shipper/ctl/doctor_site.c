#include "common/buf.h"
#include "common/clock.h"
#include "common/settings.h"
#include "common/uuid.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/cwread.h"
#include "shipper/ctl/doctor.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    EVENTS = 5,
    BODY_MAX = 64 * 1024,
    NAME_SIZE = 1024,
    LOOK_MS = 1000,
    CLOCKS_MS = 10 * 60000, /* how far another machine's may be off */
    CERTIFICATE_DAYS = 14,
};

#define DAY_MS (24 * 60 * INT64_C(60000))

static const char *const names[EVENTS] = {"page_view", "product_view",
                                          "add_to_cart", "checkout_start",
                                          "checkout_complete"};

/* Of each event; CloudWatch has to have them as they were sent. */
static const struct {
    const char *name, *value;
    bool number;
} product[] = {
    {"productId", "clickspoolctl-doctor", false},
    {"name", "A test of clickspoolctl", false},
    {"category", "test", false},
    {"price", "1.50", true},
    {"currency", "EUR", false},
    {"quantity", "2", true},
};

enum { PRODUCT = sizeof(product) / sizeof(*product) };

struct visit {
    struct doctor *doctor;
    const struct doctor_site *site;
    char ids[EVENTS][UUID_SIZE];
    char client[32];
    struct receipt receipt;
    int64_t began_ms;

    unsigned seen[EVENTS]; /* how often CloudWatch shows each */
    const char *lacking;   /* a field that one of them does not have so */
};

static void
make_event(struct visit *visit, struct buf *body, int i)
{
    uuid_make(visit->ids[i]);
    if (!i)
        (void)snprintf(visit->client, sizeof(visit->client),
                       "clickspoolctl-%.8s", visit->ids[0]);
    (void)buf_printf(body,
                     "%s{\"eventName\":\"%s\",\"eventId\":\"%s\",\"clientId\":"
                     "\"%s\",\"sessionId\":\"%s\",\"urlPath\":\"/\"",
                     i ? "," : "[", names[i], visit->ids[i], visit->client,
                     visit->client);
    for (size_t at = 0; at < PRODUCT; at++) {
        const char *quote = product[at].number ? "" : "\"";

        (void)buf_printf(body, ",\"%s\":%s%s%s", product[at].name, quote,
                         product[at].value, quote);
    }
    (void)buf_puts(body,
                   i == EVENTS - 1 ? ",\"orderId\":\"clickspoolctl\"}]" : "}");
}

static void
tell_tls(struct visit *visit, const struct web_answer *answer)
{
    int64_t left_ms = answer->certificate_after_ms - answer->sent_ms;
    char span[PRINT_SIZE];

    if (strncmp(visit->site->place.base, "https://", 8) != 0)
        doctor_tell(visit->doctor, DOCTOR_WARN, "tls",
                    "tokens travel in the clear: serve https", "%s is no https",
                    visit->site->place.base);
    else if (answer->certificate_after_ms)
        doctor_tell(visit->doctor,
                    left_ms < CERTIFICATE_DAYS * DAY_MS ? DOCTOR_WARN
                                                        : DOCTOR_OK,
                    "tls",
                    left_ms < CERTIFICATE_DAYS * DAY_MS ? "renew it" : NULL,
                    "the certificate is good for %s",
                    print_span(left_ms, span));
    else
        doctor_tell(visit->doctor, DOCTOR_OK, "tls", NULL,
                    "the certificate is right");
}

/* Return: whether ingest is there at all. */
static bool
knock(struct visit *visit)
{
    struct web_answer answer;
    bool there;

    there = web_ask(&(struct web_request){.method = "OPTIONS",
                                          .place = &visit->site->place,
                                          .path = "/events"},
                    &answer);
    if (there)
        tell_tls(visit, &answer);
    else
        doctor_tell(visit->doctor, DOCTOR_FAIL,
                    answer.fault == WEB_TLS    ? "tls"
                    : answer.fault == WEB_NAME ? "dns"
                                               : "connection",
                    answer.fault == WEB_TLS
                        ? "serve the whole chain, for this name; --cacert "
                          "names an authority of your own"
                        : NULL,
                    "%s: %s", visit->site->place.base, answer.error);
    web_answer_deinit(&answer);
    return there;
}

/* Return: whether they were taken. */
static bool
post(struct visit *visit)
{
    static const char type[] = "Content-Type: application/json";
    const char *headers[] = {type, NULL, NULL};
    struct buf body, bearer;
    struct web_answer answer;
    int code;

    buf_init(&body, BODY_MAX);
    buf_init(&bearer, BODY_MAX);
    for (int i = 0; i < EVENTS; i++)
        make_event(visit, &body, i);
    if (visit->site->token) {
        (void)buf_printf(&bearer, "Authorization: Bearer %s",
                         visit->site->token);
        headers[1] = bearer.data;
    }
    (void)web_ask(&(struct web_request){.method = "POST",
                                        .place = &visit->site->place,
                                        .path = "/events",
                                        .headers = headers,
                                        .body = {body.data, body.len}},
                  &answer);
    code = receipt_read(&visit->receipt, &answer);
    if (code)
        doctor_tell(visit->doctor, DOCTOR_FAIL, "events",
                    answer.status == 404
                        ? "what stands in front has to hand /events on"
                    : answer.status == 401 ? "the token has to be fresh, and "
                                             "of [auth]'s pool and client"
                                           : NULL,
                    "%s", visit->receipt.why);
    else
        doctor_tell(visit->doctor, DOCTOR_OK, "events", NULL,
                    "%" PRIu64 " taken in %" PRId64 " ms, request %s",
                    visit->receipt.accepted, answer.took_ms,
                    visit->receipt.request_id);
    web_answer_deinit(&answer);
    if (bearer.data)
        explicit_bzero(bearer.data, bearer.len);
    buf_deinit(&bearer);
    buf_deinit(&body);
    return !code;
}

static void
judge_identity(struct visit *visit)
{
    bool known = !strcmp(visit->receipt.identity, "cognito");

    if (!visit->site->token)
        doctor_tell(visit->doctor, DOCTOR_WARN, "identity",
                    "--token-file names a file with a user's token",
                    "posted as a guest: tokens and uploads are not tried");
    else
        doctor_tell(visit->doctor, known ? DOCTOR_OK : DOCTOR_FAIL, "identity",
                    known ? NULL
                          : "what stands in front has to hand Authorization on",
                    "ingest says %s", visit->receipt.identity);
}

/* Without @wanted any value will do. */
static bool
has(struct slice message, const char *name, const char *wanted)
{
    struct slice value;

    return jsonscan_member(message, (struct slice){name, strlen(name)},
                           &value) &&
           (!wanted ||
            jsonvalue_equals(value, (struct slice){wanted, strlen(wanted)}));
}

static void
judge_message(struct visit *visit, struct slice message, const char *name)
{
    static const struct {
        const char *name, *value;
    } identity[] = {
        {"userLoginState", "authenticated"},
        {"identitySource", "cognito"},
        {"userId", NULL},
    };

    if (!has(message, "eventName", name))
        visit->lacking = "eventName";
    for (size_t i = 0; i < PRODUCT; i++)
        if (!has(message, product[i].name, product[i].value))
            visit->lacking = product[i].name;
    for (size_t i = 0; visit->site->token && i < 3; i++)
        if (!has(message, identity[i].name, identity[i].value))
            visit->lacking = identity[i].name;
}

static int
see_event(void *owner, const struct cwread_event *event)
{
    struct visit *visit = owner;
    const char *id = cwread_event_id(event->message);

    for (int i = 0; id && i < EVENTS; i++) {
        if (strncasecmp(id, visit->ids[i], UUID_SIZE - 1) != 0)
            continue;
        visit->seen[i]++;
        judge_message(visit, event->message, names[i]);
    }
    return 0;
}

static int
look(struct visit *visit)
{
    const struct settings *settings = &visit->doctor->ctl->settings;
    char pattern[NAME_SIZE];
    struct buf prefix;
    int code;

    memset(visit->seen, 0, sizeof(visit->seen));
    buf_init(&prefix, NAME_SIZE);
    cwread_prefix(&prefix, settings->shipper.log_stream);
    (void)snprintf(pattern, sizeof(pattern), "{ $.clientId = \"%s\" }",
                   visit->client);
    code = cwread_events(visit->doctor->sync,
                         &(struct cwread_range){
                             .group = settings->shipper.log_group,
                             .prefix = prefix.data,
                             .pattern = pattern,
                             .start = visit->began_ms - CLOCKS_MS,
                             .end = clock_wall_ms() + CLOCKS_MS,
                         },
                         see_event, visit);
    buf_deinit(&prefix);
    return code == AWS_SYNC_MISSING ? 0 : code;
}

static unsigned
seen(const struct visit *visit, bool *repeated)
{
    unsigned count = 0;

    *repeated = false;
    for (int i = 0; i < EVENTS; i++) {
        count += visit->seen[i] != 0;
        *repeated = *repeated || visit->seen[i] > 1;
    }
    return count;
}

static void
find_in_cloudwatch(struct visit *visit)
{
    int64_t deadline_us = clock_mono_us() + visit->site->timeout_ms * 1000;
    struct doctor *doctor = visit->doctor;
    bool repeated = false;
    unsigned count = 0;
    int code;

    do {
        code = look(visit);
        count = seen(visit, &repeated);
    } while (!code && count < EVENTS && clock_mono_us() < deadline_us &&
             print_wait(LOOK_MS));
    if (code)
        doctor_tell(doctor, DOCTOR_FAIL, "cloudwatch",
                    "stderr says why; these credentials read, shipper's write",
                    "%s cannot be read",
                    doctor->ctl->settings.shipper.log_group);
    else if (count < EVENTS)
        doctor_tell(doctor, DOCTOR_FAIL, "cloudwatch",
                    "on the server, clickspoolctl status and doctor say more",
                    "%s shows %u of %d events",
                    doctor->ctl->settings.shipper.log_group, count, EVENTS);
    else if (repeated)
        doctor_tell(doctor, DOCTOR_FAIL, "cloudwatch", NULL,
                    "an event is there more than once");
    else
        doctor_tell(doctor, DOCTOR_OK, "cloudwatch", NULL,
                    "%s shows all %d events, each once",
                    doctor->ctl->settings.shipper.log_group, EVENTS);
    if (count && visit->lacking)
        doctor_tell(doctor, DOCTOR_FAIL, "fields", NULL,
                    "an event has not the %s that it should have",
                    visit->lacking);
    else if (count)
        doctor_tell(doctor, DOCTOR_OK, "fields", NULL,
                    "%sproduct fields are there",
                    visit->site->token ? "identity and " : "");
}

void
doctor_site(struct doctor *doctor, const struct doctor_site *site)
{
    struct visit visit = {
        .doctor = doctor,
        .site = site,
        .began_ms = clock_wall_ms(),
    };

    if (!knock(&visit))
        return;
    doctor_preflight(doctor,
                     &(struct doctor_preflight){
                         .place = &site->place,
                         .path = "/events",
                         .method = "POST",
                         .headers = "authorization,content-type",
                         .hint = "add it to [cors] origins; what stands in "
                                 "front has to hand Host and OPTIONS on",
                         .same = site->same_origin,
                     },
                     site->origin);
    if (!post(&visit))
        return;
    judge_identity(&visit);
    find_in_cloudwatch(&visit);
}
