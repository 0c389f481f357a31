#include "ingest/auth.h"

#include "common/buf.h"
#include "common/log.h"
#include "ingest/app.h"
#include "ingest/exchange.h"
#include "ingest/ids.h"
#include "ingest/jwt.h"
#include "ingest/keeper.h"
#include "ingest/own_entry.h"
#include "ingest/policy.h"
#include "ingest/rate.h"
#include "ingest/token_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAILURE_ADDRESSES = 4096 };

struct auth {
    struct app *app;
    struct keeper *keeper;
    struct token_cache *tokens;
    struct rate *failures; /* entries, by address */
    struct rate *all;      /* entries, over all of them */
    int good_status;       /* of the request at hand, if it is a good one */
};

/* Return: whether the request brings a bearer token; one field, one word
 * (RFC 6750, section 2.1). */
static bool
find_token(const struct exchange *exchange, struct slice *token, bool *broken)
{
    struct slice field = request_field(exchange->head, "authorization");
    struct slice scheme = slice_split(field, ' ', token);

    *broken = request_field_count(exchange->head, "authorization") > 1;
    *token = slice_trim(*token);
    return *broken || slice_is_nocase(scheme, "Bearer");
}

bool
auth_may_tell(struct auth *auth, const struct exchange *exchange)
{
    int64_t now_ms = exchange->received_us / 1000;
    static const struct ip everybody = {.known = true};

    return rate_take(auth->failures, &exchange->client, AUTH_FAILURES_PER_S,
                     AUTH_FAILURE_BURST, now_ms) &&
           rate_take(auth->all, &everybody, AUTH_ALL_PER_S, AUTH_ALL_BURST,
                     now_ms);
}

static void
tell_failure(struct auth *auth, const struct exchange *exchange,
             const char *reason)
{
    char more[64];
    int len;

    if (!auth_may_tell(auth, exchange))
        return;
    log_info("token_refused", log_text("reason", reason),
             log_text("request", exchange->request_id), );
    len = snprintf(more, sizeof(more), ",\"reason\":\"%s\"", reason);
    (void)own_entry_append(auth->app, exchange,
                           &(struct own_entry){
                               .category = "auth",
                               .action = "token",
                               .outcome = "failure",
                               .status = 401,
                               .more = {more, (size_t)len},
                           },
                           NULL);
}

static enum problem
refuse(struct auth *auth, const struct exchange *exchange,
       enum jwt_verdict verdict)
{
    auth->app->counters.auth[verdict]++;
    tell_failure(auth, exchange, jwt_reason(verdict));
    return verdict == JWT_EXPIRED ? PROBLEM_TOKEN_EXPIRED
                                  : PROBLEM_INVALID_TOKEN;
}

static enum problem
welcome(struct auth *auth, struct exchange *exchange,
        const struct token_hash *hash, const struct jwt_claims *claims,
        int64_t now_ms)
{
    int64_t skew_ms = exchange->policy->jwt.skew_ms;
    const struct token *token =
        token_cache_add(auth->tokens, hash, claims, skew_ms, now_ms);

    if (!token)
        return PROBLEM_TOO_BUSY;
    exchange->token = token_hold(token);
    auth->app->counters.auth[JWT_OK]++;
    (void)own_entry_append(auth->app, exchange,
                           &(struct own_entry){
                               .category = "auth",
                               .action = "token",
                               .outcome = "success",
                               .status = auth->good_status,
                           },
                           NULL);
    return PROBLEM_NONE;
}

/* Its key is not known: worth waiting where keys are on their way, but once. */
static enum problem
judge_unknown(struct auth *auth, struct exchange *exchange,
              enum jwt_verdict verdict)
{
    if (!exchange->waited && keeper_want_keys(auth->keeper)) {
        exchange->wait = true;
        return PROBLEM_NONE;
    }
    if (verdict == JWT_NO_KEYS || !keeper_is_up(auth->keeper)) {
        auth->app->counters.auth[verdict]++;
        return PROBLEM_KEYS_UNAVAILABLE;
    }
    return refuse(auth, exchange, verdict);
}

static enum problem
judge(struct auth *auth, struct exchange *exchange, struct slice text)
{
    const struct jwt_rules *rules = &exchange->policy->jwt;
    int64_t now_ms = keeper_now_ms(auth->keeper);
    const struct token *known;
    struct jwt_claims claims;
    enum jwt_verdict verdict;
    struct token_hash hash;

    if (!*rules->issuer) /* nobody is configured to vouch for it */
        return PROBLEM_INVALID_TOKEN;
    known = token_cache_find(auth->tokens, text, now_ms, &hash);
    if (known) {
        auth->app->counters.tokens_known++;
        exchange->token = token_hold(known);
        return PROBLEM_NONE;
    }
    verdict =
        jwt_verify(rules, keeper_jwks(auth->keeper), text, now_ms, &claims);
    switch (verdict) {
    case JWT_OK:
        return welcome(auth, exchange, &hash, &claims, now_ms);
    case JWT_UNKNOWN_KEY:
    case JWT_NO_KEYS:
        return judge_unknown(auth, exchange, verdict);
    default:
        return refuse(auth, exchange, verdict);
    }
}

enum problem
auth_admit(struct exchange *exchange, enum auth_need need)
{
    struct auth *auth = ((struct app *)exchange->app)->auth;
    struct slice token = {NULL, 0};
    bool broken;

    exchange->wait = false;
    if (need == AUTH_NONE)
        return PROBLEM_NONE;
    if (!find_token(exchange, &token, &broken))
        return need == AUTH_REQUIRED ? PROBLEM_MISSING_TOKEN : PROBLEM_NONE;
    if (!auth)
        return PROBLEM_INVALID_TOKEN;
    auth->good_status = need == AUTH_REQUIRED ? 201 : 202;
    return broken ? refuse(auth, exchange, JWT_FORM)
                  : judge(auth, exchange, token);
}

void
auth_keys_changed(struct auth *auth)
{
    const struct jwks *jwks = keeper_jwks(auth->keeper);

    if (jwks)
        token_cache_keep(auth->tokens, jwks);
}

void
auth_rules_changed(struct auth *auth)
{
    token_cache_clear(auth->tokens);
}

static struct rate *
rate_for(size_t addresses)
{
    uint8_t key[16];

    ids_random(key, sizeof(key));
    return rate_new(addresses, key);
}

int
auth_new(struct auth **created, struct app *app, struct keeper *keeper)
{
    struct auth *auth = calloc(1, sizeof(*auth));

    if (!auth)
        return -ENOMEM;
    auth->app = app;
    auth->keeper = keeper;
    auth->tokens = token_cache_new();
    auth->failures = rate_for(FAILURE_ADDRESSES);
    auth->all = rate_for(1);
    if (!auth->tokens || !auth->failures || !auth->all) {
        auth_free(auth);
        return -ENOMEM;
    }
    *created = auth;
    return 0;
}

void
auth_free(struct auth *auth)
{
    if (!auth)
        return;
    token_cache_free(auth->tokens);
    rate_free(auth->failures);
    rate_free(auth->all);
    free(auth);
}
