#include "ingest/policy.h"

#include "common/settings.h"
#include "ingest/catalog.h"

#include <errno.h>
#include <stdlib.h>

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
    free(policy);
}
