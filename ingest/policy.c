#include "ingest/policy.h"

#include "common/catalog.h"
#include "common/settings.h"
#include "ingest/uploads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
load_auth(struct policy *policy, struct settings *settings)
{
    const char *words, *word;
    size_t len;

    issuer_check(settings);
    issuer_find(&policy->issuer, settings);
    policy->client_ids = strdup(settings->auth.client_ids);
    policy->upload_group = strdup(settings->auth.upload_group);
    if (!policy->client_ids || !policy->upload_group)
        return -ENOMEM;
    policy->jwt = (struct jwt_rules){
        .issuer = policy->issuer.name,
        .skew_ms = JWT_SKEW_MS,
    };
    words = policy->client_ids;
    while ((word = settings_word(&words, &len))) {
        if (policy->jwt.client_count == JWT_CLIENTS_MAX) {
            settings_complain(settings, "auth.client_ids",
                              "name at most %d app clients", JWT_CLIENTS_MAX);
            break;
        }
        policy->jwt.clients[policy->jwt.client_count++] =
            (struct slice){word, len};
    }
    words = settings->auth.token_use;
    while ((word = settings_word(&words, &len))) {
        policy->jwt.take_id |= slice_is((struct slice){word, len}, "id");
        policy->jwt.take_access |=
            slice_is((struct slice){word, len}, "access");
    }
    return 0;
}

static int
load_uploads(struct upload_policy *policy, struct settings *settings)
{
    uploads_check(settings);
    *policy = (struct upload_policy){
        .key_prefix = strdup(settings->uploads.key_prefix),
        .content_types = strdup(settings->uploads.content_types),
        .public_base_url = strdup(settings->uploads.public_base_url),
        .max_size = settings->uploads.max_size,
        .expires_ms = settings->uploads.expires,
    };
    return policy->key_prefix && policy->content_types &&
                   policy->public_base_url
               ? 0
               : -ENOMEM;
}

static int
load(struct policy *policy, struct settings *settings)
{
    unsigned errors = settings->errors;
    int r;

    r = cors_load(&policy->cors, settings);
    if (!r)
        r = forwarded_load(&policy->forwarded, settings);
    if (!r)
        r = catalog_load(&policy->catalog, settings);
    if (!r)
        r = load_auth(policy, settings);
    if (!r)
        r = load_uploads(&policy->uploads, settings);
    if (!r && settings->errors > errors)
        r = -EINVAL;
    return r;
}

int
policy_new(struct policy **out, struct settings *settings)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    int r;

    if (!policy)
        return -ENOMEM;
    *policy = (struct policy){
        .holders = 1,
        .keep_unknown_fields = settings->events.unknown_fields == 1,
        .source_ip = (enum policy_source_ip)settings->privacy.source_ip,
        .keep_user_agent = settings->privacy.user_agent == 0,
        .rate_per_ip = settings->rate.per_ip,
        .rate_burst = settings->rate.burst,
    };
    r = load(policy, settings);
    if (r < 0) {
        policy_release(policy);
        return r;
    }
    *out = policy;
    return 0;
}

struct policy *
policy_hold(struct policy *policy)
{
    policy->holders++;
    return policy;
}

void
policy_release(struct policy *policy)
{
    if (!policy || --policy->holders)
        return;
    cors_deinit(&policy->cors);
    forwarded_deinit(&policy->forwarded);
    catalog_free(policy->catalog);
    free(policy->client_ids);
    free(policy->upload_group);
    free(policy->uploads.key_prefix);
    free(policy->uploads.content_types);
    free(policy->uploads.public_base_url);
    free(policy);
}
