#include "common/json.h"
#include "common/settings.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/doctor.h"
#include "shipper/ctl/health_facts.h"
#include "shipper/ctl/health_judge.h"
#include "shipper/ctl/overview.h"
#include "shipper/ctl/print.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
tell_delivery(struct doctor *doctor, const struct pulse *pulse)
{
    static const char hint[] =
        "shipper needs logs:PutLogEvents; what CloudWatch "
        "says stands in clickspoolctl status";
    char time[PRINT_SIZE];

    if (pulse->last_success_ms)
        doctor_tell(doctor, DOCTOR_OK, "permission", NULL,
                    "logs:PutLogEvents: shipper delivered at %s",
                    print_time(pulse->last_success_ms, time));
    else
        doctor_tell(doctor, DOCTOR_WARN, "permission", hint,
                    "logs:PutLogEvents: shipper has delivered nothing yet");
}

void
doctor_spool(struct doctor *doctor)
{
    struct overview overview = {0};
    struct health_facts facts;
    struct health health;
    char bytes[PRINT_SIZE];

    if (overview_read(&overview, doctor->ctl)) {
        doctor_tell(doctor, DOCTOR_FAIL, "spool", "stderr says why",
                    "%s cannot be read", doctor->ctl->dir);
        overview_deinit(&overview);
        return;
    }
    health_facts_read(&facts, doctor->ctl);
    health_judge(&health, &overview, &facts, &health_defaults);
    for (size_t i = 0; i < health.count; i++)
        doctor_tell(doctor,
                    health.findings[i].level == HEALTH_CRITICAL ? DOCTOR_FAIL
                                                                : DOCTOR_WARN,
                    "health", NULL, "%s", health.findings[i].text);
    doctor_tell(doctor, DOCTOR_OK, "spool", NULL,
                "%s: room for %" PRId64 "%% of %s", doctor->ctl->dir,
                health.room, print_bytes((uint64_t)facts.max_unshipped, bytes));
    tell_delivery(doctor, &overview.pulse);
    overview_deinit(&overview);
}

/* What ingest itself finds: health+json, a list of results a check. */
static void
tell_checks(struct doctor *doctor, const cJSON *health)
{
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(health, "checks");
    const cJSON *check;
    bool well = true;

    cJSON_ArrayForEach(check, checks)
    {
        const cJSON *result = cJSON_GetArrayItem(check, 0);
        const char *status = json_get_string(result, "status");
        const char *output = json_get_string(result, "output");

        if (!status || !strcmp(status, "pass"))
            continue;
        well = false;
        doctor_tell(doctor, strcmp(status, "fail") ? DOCTOR_WARN : DOCTOR_FAIL,
                    "ready", NULL, "%s: %s", check->string,
                    output ? output : status);
    }
    if (checks && well)
        doctor_tell(doctor, DOCTOR_OK, "ready", NULL,
                    "ingest finds nothing amiss");
}

/* Return: whether it answers 200. */
static bool
look_at(struct doctor *doctor, const struct web_place *place, const char *path,
        const char *setting)
{
    struct web_answer answer;
    cJSON *tree = NULL;
    bool well;

    if (web_ask(&(struct web_request){.method = "GET",
                                      .place = place,
                                      .path = path},
                &answer))
        tree = json_parse(answer.body.data, answer.body.len);
    well = answer.status == 200;
    if (well || tree)
        doctor_tell(doctor, well ? DOCTOR_OK : DOCTOR_FAIL, "ingest", NULL,
                    "%s%s answers %d", place->base, path, answer.status);
    else
        doctor_tell(doctor, DOCTOR_FAIL, "ingest",
                    "is clickspool-ingest running, and is that its address?",
                    "%s, %s%s: %s", setting, place->base, path,
                    answer.status ? "no answer of ingest's" : answer.error);
    tell_checks(doctor, tree);
    cJSON_Delete(tree);
    web_answer_deinit(&answer);
    return well;
}

void
doctor_preflight(struct doctor *doctor, const struct doctor_preflight *ask,
                 const char *origin)
{
    char from[WEB_BASE_SIZE + 16], method[64], names[256];
    const char *const headers[] = {from, method, names, NULL};
    const char *where = ask->url ? "the bucket" : ask->path;
    struct web_answer answer;
    struct slice allowed;

    (void)snprintf(from, sizeof(from), "Origin: %s", origin);
    (void)snprintf(method, sizeof(method), "Access-Control-Request-Method: %s",
                   ask->method);
    (void)snprintf(names, sizeof(names), "Access-Control-Request-Headers: %s",
                   ask->headers);
    (void)web_ask(&(struct web_request){.method = "OPTIONS",
                                        .place = ask->place,
                                        .path = ask->path,
                                        .url = ask->url,
                                        .headers = headers},
                  &answer);
    allowed = web_header(&answer, "access-control-allow-origin");
    if (!answer.status)
        doctor_tell(doctor, DOCTOR_FAIL, "cors", NULL, "%s: %s", where,
                    answer.error);
    else if (answer.status / 100 == 2 &&
             (ask->same || slice_is(allowed, origin) || slice_is(allowed, "*")))
        doctor_tell(doctor, DOCTOR_OK, "cors", NULL, "%s lets pages of %s %s",
                    where, origin, ask->method);
    else
        doctor_tell(doctor, DOCTOR_FAIL, "cors", ask->hint,
                    "%s does not let pages of %s %s: %d%s%.*s", where, origin,
                    ask->method, answer.status,
                    allowed.len ? ", and allows " : "", (int)allowed.len,
                    allowed.data);
    web_answer_deinit(&answer);
}

void
doctor_ingest(struct doctor *doctor)
{
    const struct settings *settings = &doctor->ctl->settings;
    struct web_place public = {.ca = doctor->ca}, admin = {.base = ""};
    const char *wrong;

    wrong = web_place_listen(&public, settings->listen.public,
                             settings->tls.certificate);
    if (wrong)
        doctor_tell(doctor, DOCTOR_FAIL, "ingest", NULL, "[listen] public: %s",
                    wrong);
    else if (look_at(doctor, &public, "/healthz", "[listen] public") &&
             doctor->origin) {
        doctor_preflight(doctor,
                         &(struct doctor_preflight){
                             .place = &public,
                             .path = "/events",
                             .method = "POST",
                             .headers = "authorization,content-type",
                             .hint = "add it to [cors] origins, and reload",
                         },
                         doctor->origin);
    }
    wrong = web_place_listen(&admin, settings->listen.admin, NULL);
    if (wrong)
        doctor_tell(doctor, DOCTOR_WARN, "ingest", NULL, "[listen] admin: %s",
                    wrong);
    else
        (void)look_at(doctor, &admin, "/readyz", "[listen] admin");
}
