#include "ingest/router.h"

#include "common/log.h"
#include "common/uuid.h"
#include "ingest/admin.h"
#include "ingest/app.h"
#include "ingest/auth.h"
#include "ingest/events.h"
#include "ingest/exchange.h"
#include "ingest/forwarded.h"
#include "ingest/health.h"
#include "ingest/ids.h"
#include "ingest/ops.h"
#include "ingest/policy.h"
#include "ingest/rate.h"
#include "ingest/tracker.h"
#include "ingest/uploads.h"

struct route {
    enum exchange_listener listener;
    enum request_method method;
    const char *path;
    const char *allow; /* for 405 */
    enum auth_need token;
    enum problem (*admit)(const struct exchange *exchange); /* or NULL */
    void (*handle)(struct exchange *exchange);
};

#define ALLOW_GET "Allow: GET, HEAD, OPTIONS\r\n"
#define ALLOW_POST "Allow: POST, OPTIONS\r\n"

static const struct route routes[] = {
    {EXCHANGE_PUBLIC, REQUEST_POST, "/events", ALLOW_POST, AUTH_OPTIONAL,
     events_admit, events_handle},
    {EXCHANGE_PUBLIC, REQUEST_POST, "/uploads/presign", ALLOW_POST,
     AUTH_REQUIRED, uploads_admit, uploads_presign},
    {EXCHANGE_PUBLIC, REQUEST_POST, "/uploads/complete", ALLOW_POST,
     AUTH_REQUIRED, uploads_admit, uploads_complete},
    {EXCHANGE_PUBLIC, REQUEST_GET, "/healthz", ALLOW_GET, AUTH_NONE, NULL,
     health_handle},
    {EXCHANGE_PUBLIC, REQUEST_GET, "/e.js", ALLOW_GET, AUTH_NONE, NULL,
     tracker_latest},
    {EXCHANGE_PUBLIC, REQUEST_GET, TRACKER_VERSIONED_PATH, ALLOW_GET, AUTH_NONE,
     NULL, tracker_versioned},
    {EXCHANGE_INTERNAL, REQUEST_POST, "/logs", ALLOW_POST, AUTH_NONE,
     events_admit, events_handle},
    {EXCHANGE_ADMIN, REQUEST_GET, "/healthz", ALLOW_GET, AUTH_NONE, NULL,
     health_handle},
    {EXCHANGE_ADMIN, REQUEST_GET, "/readyz", ALLOW_GET, AUTH_NONE, NULL,
     admin_ready},
    {EXCHANGE_ADMIN, REQUEST_GET, "/metrics", ALLOW_GET, AUTH_NONE, NULL,
     admin_metrics},
    {EXCHANGE_ADMIN, REQUEST_GET, "/status", ALLOW_GET, AUTH_NONE, NULL,
     admin_status},
    {EXCHANGE_ADMIN, REQUEST_GET, "/", ALLOW_GET, AUTH_NONE, NULL, ops_file},
    {EXCHANGE_ADMIN, REQUEST_GET, "/ops.css", ALLOW_GET, AUTH_NONE, NULL,
     ops_file},
    {EXCHANGE_ADMIN, REQUEST_GET, "/ops.js", ALLOW_GET, AUTH_NONE, NULL,
     ops_file},
    {EXCHANGE_ADMIN, REQUEST_GET, "/ops.svg", ALLOW_GET, AUTH_NONE, NULL,
     ops_file},
    {EXCHANGE_ADMIN, REQUEST_GET, "/live", ALLOW_GET, AUTH_NONE, NULL,
     ops_live},
    {EXCHANGE_ADMIN, REQUEST_GET, "/refused", ALLOW_GET, AUTH_NONE, NULL,
     ops_refused},
    {EXCHANGE_ADMIN, REQUEST_GET, "/entries", ALLOW_GET, AUTH_NONE, NULL,
     ops_entries},
};

static const struct route *
find_route(const struct exchange *exchange)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (routes[i].listener == exchange->listener &&
            slice_is(exchange->head->path, routes[i].path))
            return &routes[i];
    return NULL;
}

/* An id that the caller made is kept where it is safe to write anywhere. */
static void
take_request_id(struct exchange *exchange)
{
    struct slice given = request_field(exchange->head, "x-request-id");
    uint8_t id[16];
    size_t len = 0;

    while (len < given.len && given.data[len] &&
           strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                  "0123456789._-",
                  given.data[len]))
        len++;
    if (len && len == given.len && len <= EXCHANGE_ID_MAX) {
        memcpy(exchange->request_id, given.data, len);
        exchange->request_id[len] = '\0';
        return;
    }
    ids_uuid7(id, exchange->received_ms);
    uuid_print(exchange->request_id, id);
}

static void
tell_ignored_once(void)
{
    static bool told;

    if (told)
        return;
    told = true;
    log_notice("forwarded_ignored",
               log_text("hint", "its peer is not in [http] trusted_proxies"), );
}

/* A page loads the script from wherever it is. */
static bool
is_public(const struct route *route)
{
    return route && (route->handle == tracker_latest ||
                     route->handle == tracker_versioned);
}

static bool
origin_allowed(struct exchange *exchange, struct slice forwarded_host)
{
    const struct cors *cors = &exchange->policy->cors;
    const struct cors_request request = {
        .origin = request_field(exchange->head, "origin"),
        .host = exchange->head->host,
        .forwarded_host = forwarded_host,
        .fetch_site = request_field(exchange->head, "sec-fetch-site"),
    };

    exchange->cors = cors->on;
    return cors_judge(cors, &request, &exchange->allow_origin);
}

/* A page elsewhere can point a name of its own at this address and have the
 * browser talk to it; it cannot make the browser send another Host. */
static bool
admin_host_ok(struct slice host)
{
    struct slice rest;

    return ip_parse(host).known ||
           slice_is_nocase(slice_split(host, ':', &rest), "localhost");
}

static enum problem
admit_method(struct exchange *exchange)
{
    const struct route *route = exchange->route;

    if (exchange->method == route->method ||
        exchange->method == REQUEST_OPTIONS ||
        (exchange->method == REQUEST_HEAD && route->method == REQUEST_GET))
        return PROBLEM_NONE;
    exchange->allow_methods = route->allow;
    return PROBLEM_METHOD_NOT_ALLOWED;
}

/* What a browser asks before a request, and for its health, is not counted. */
static bool
rate_allows(const struct exchange *exchange)
{
    const struct policy *policy = exchange->policy;
    struct app *app = exchange->app;

    return exchange->listener != EXCHANGE_PUBLIC || !policy->rate_per_ip ||
           exchange->method == REQUEST_OPTIONS || exchange->waited ||
           !app->rate ||
           rate_take(app->rate, &exchange->client, (double)policy->rate_per_ip,
                     (double)policy->rate_burst, exchange->received_us / 1000);
}

/* What the route itself asks of a head. */
static enum problem
admit_route(struct exchange *exchange)
{
    const struct route *route = exchange->route;
    enum problem problem = PROBLEM_NONE;

    if (exchange->method != route->method)
        return PROBLEM_NONE;
    if (route->admit)
        problem = route->admit(exchange);
    return problem ? problem : auth_admit(exchange, route->token);
}

enum problem
router_admit(struct exchange *exchange)
{
    const struct route *route = find_route(exchange);
    struct forwarded_client client;
    enum problem problem;

    take_request_id(exchange);
    client = forwarded_judge(&exchange->policy->forwarded, exchange->peer,
                             exchange->head);
    ip_print(&client.ip, exchange->client_ip);
    exchange->client = client.ip;
    if (client.ignored)
        tell_ignored_once();

    if (exchange->listener == EXCHANGE_ADMIN &&
        !admin_host_ok(exchange->head->host))
        return PROBLEM_FORBIDDEN;
    if (exchange->listener == EXCHANGE_PUBLIC &&
        !origin_allowed(exchange, client.host) && !is_public(route))
        return PROBLEM_ORIGIN_NOT_ALLOWED;

    if (!rate_allows(exchange))
        return PROBLEM_RATE_LIMITED;
    exchange->route = route;
    if (!exchange->route)
        return PROBLEM_NOT_FOUND;
    problem = admit_method(exchange);
    if (!problem && exchange->draining)
        problem = PROBLEM_DRAINING;
    return problem ? problem : admit_route(exchange);
}

/* Fetch standard, CORS preflight.  7200 s is the most that Chromium keeps. */
static void
answer_options(struct exchange *exchange)
{
    static const char preflight[] =
        "Access-Control-Allow-Methods: POST\r\n"
        "Access-Control-Allow-Headers: authorization, content-type, "
        "content-encoding, x-request-id\r\n"
        "Access-Control-Max-Age: 7200\r\n";

    exchange_reply(exchange, &(struct exchange_reply){
                                 .status = 204,
                                 .headers = exchange->allow_origin
                                                ? preflight
                                                : exchange->route->allow,
                             });
}

void
router_handle(struct exchange *exchange)
{
    if (exchange->method == REQUEST_OPTIONS)
        answer_options(exchange);
    else
        exchange->route->handle(exchange);
}

enum { ROUTES = sizeof(routes) / sizeof(*routes) };

size_t
router_count(void)
{
    return ROUTES + 1;
}

size_t
router_index(const struct exchange *exchange)
{
    return exchange->route ? (size_t)(exchange->route - routes) : ROUTES;
}

const char *
router_path(size_t index)
{
    if (index == ROUTES)
        return "other";
    /* One path may be served on two addresses. */
    return routes[index].listener == EXCHANGE_ADMIN && index &&
                   !strcmp(routes[index].path, "/healthz")
               ? "/healthz (admin)"
               : routes[index].path;
}

const char *
router_method(size_t index)
{
    if (index == ROUTES)
        return "other";
    return routes[index].method == REQUEST_GET ? "GET" : "POST";
}
