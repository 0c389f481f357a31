#include "shipper/creds_plan.h"

#include "common/secret_text.h"
#include "shipper/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int
refuse(char why[CREDS_WHY_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, CREDS_WHY_MAX, format, args);
    va_end(args);
    return -ENOENT;
}

static const char *
value_of(const struct profile *profile, const char *name)
{
    const struct profile_property *property = profile_get(profile, name);

    return property ? property->value : NULL;
}

static char *
copy_of(const struct profile *profile, const char *name)
{
    const char *value = value_of(profile, name);

    return value ? strdup(value) : NULL;
}

static bool
has_keys(const struct profile *profile)
{
    return value_of(profile, "aws_access_key_id") ||
           value_of(profile, "aws_secret_access_key");
}

static int
take_keys(struct creds_plan *plan, const struct profile *profile)
{
    plan->base = CREDS_STATIC;
    plan->access_key = copy_of(profile, "aws_access_key_id");
    plan->secret = copy_of(profile, "aws_secret_access_key");
    plan->token = copy_of(profile, "aws_session_token");
    return 0;
}

/* What needs a person, or hands out what is not ours. */
static int
refuse_hands(const struct profile *profile, char why[CREDS_WHY_MAX])
{
    if (value_of(profile, "sso_session") || value_of(profile, "sso_start_url"))
        return refuse(why, "profile \"%s\" needs a login in a browser",
                      profile->name);
    if (value_of(profile, "mfa_serial"))
        return refuse(why, "profile \"%s\" needs a code of mfa_serial",
                      profile->name);
    return 0;
}

static int
take_base(struct creds_plan *plan, const struct profile *profile,
          char why[CREDS_WHY_MAX])
{
    const struct profile_property *key =
        profile_get(profile, "aws_access_key_id");
    int r;

    if (value_of(profile, "web_identity_token_file"))
        return refuse(why,
                      "profile \"%s\" has web_identity_token_file "
                      "without role_arn",
                      profile->name);
    r = refuse_hands(profile, why);
    if (r)
        return r;
    if (key && key->file == PROFILE_CREDENTIALS)
        return take_keys(plan, profile);
    if (value_of(profile, "credential_process")) {
        plan->base = CREDS_PROCESS;
        plan->command = copy_of(profile, "credential_process");
        return 0;
    }
    if (has_keys(profile))
        return take_keys(plan, profile);
    return refuse(why, "profile \"%s\" has no keys", profile->name);
}

static void
read_role(struct creds_role *role, const struct profile *profile)
{
    const char *duration = value_of(profile, "duration_seconds");

    *role = (struct creds_role){
        .arn = copy_of(profile, "role_arn"),
        .session = copy_of(profile, "role_session_name"),
        .external_id = copy_of(profile, "external_id"),
        .duration_s = duration ? strtoll(duration, NULL, 10) : 0,
    };
}

/* Of a profile with role_arn: where its base comes from. */
static int
take_source(struct creds_plan *plan, const struct profile *profile,
            const char **source, char why[CREDS_WHY_MAX])
{
    const char *from = value_of(profile, "credential_source");

    *source = value_of(profile, "source_profile");
    if (*source && from)
        return refuse(why,
                      "profile \"%s\" has both source_profile and "
                      "credential_source",
                      profile->name);
    if (*source)
        return 0;
    if (!from)
        return refuse(why,
                      "profile \"%s\" has role_arn, but neither "
                      "source_profile nor credential_source",
                      profile->name);
    if (strcmp(from, "Environment"))
        return refuse(why,
                      "profile \"%s\" takes credential_source = %.40s: "
                      "what metadata services hand out is not asked for",
                      profile->name, from);
    plan->base = CREDS_ENVIRONMENT;
    return 0;
}

/* Roles come in the order of looking; they are assumed in the other. */
static void
reverse(struct creds_plan *plan)
{
    for (unsigned i = 0; i < plan->role_count / 2; i++) {
        struct creds_role role = plan->roles[i];

        plan->roles[i] = plan->roles[plan->role_count - 1 - i];
        plan->roles[plan->role_count - 1 - i] = role;
    }
}

static int
follow(struct creds_plan *plan, const struct profiles *profiles,
       const char *name, char why[CREDS_WHY_MAX])
{
    const struct profile *profile = profiles_find(profiles, name);
    const char *source = NULL;
    int r;

    while (profile && value_of(profile, "role_arn")) {
        r = refuse_hands(profile, why);
        if (r)
            return r;
        if (value_of(profile, "web_identity_token_file")) {
            plan->base = CREDS_WEB;
            read_role(&plan->web, profile);
            plan->web.token_file = copy_of(profile, "web_identity_token_file");
            return 0;
        }
        if (plan->role_count == CREDS_ROLES_MAX - 1)
            return refuse(why,
                          "profile \"%s\": its source profiles go round, "
                          "or are too many",
                          name);
        read_role(&plan->roles[plan->role_count++], profile);
        r = take_source(plan, profile, &source, why);
        if (r || !source)
            return r;
        /* A profile may be its own source, for the keys it has as well. */
        if (!strcmp(source, profile->name) && has_keys(profile))
            return take_keys(plan, profile);
        profile = profiles_find(profiles, source);
    }
    if (!profile)
        return source ? refuse(why,
                               "source_profile \"%s\" is in neither of "
                               "the shared files",
                               source)
               : strcmp(name, "default")
                   ? refuse(why,
                            "profile \"%s\" is in neither of the shared "
                            "files",
                            name)
                   : refuse(why, "no keys in the environment, and no shared "
                                 "credentials file with a default profile");
    return take_base(plan, profile, why);
}

int
creds_plan_profile(struct creds_plan *plan, const struct profiles *profiles,
                   const char *name, char why[CREDS_WHY_MAX])
{
    int r = follow(plan, profiles, name, why);

    reverse(plan);
    return r;
}

int
creds_plan_add_role(struct creds_plan *plan, const char *arn,
                    char why[CREDS_WHY_MAX])
{
    if (plan->role_count == CREDS_ROLES_MAX)
        return refuse(why, "there are too many roles on top of each other");
    plan->roles[plan->role_count++].arn = strdup(arn);
    return 0;
}

static bool
same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool
same_role(const struct creds_role *a, const struct creds_role *b)
{
    return same(a->arn, b->arn) && same(a->session, b->session) &&
           same(a->external_id, b->external_id) &&
           same(a->token_file, b->token_file) && a->duration_s == b->duration_s;
}

bool
creds_plan_equal(const struct creds_plan *a, const struct creds_plan *b)
{
    if (a->base != b->base || a->role_count != b->role_count ||
        !same(a->access_key, b->access_key) || !same(a->secret, b->secret) ||
        !same(a->token, b->token) || !same(a->command, b->command) ||
        !same_role(&a->web, &b->web))
        return false;
    for (unsigned i = 0; i < a->role_count; i++)
        if (!same_role(&a->roles[i], &b->roles[i]))
            return false;
    return true;
}

static void
role_deinit(struct creds_role *role)
{
    free(role->arn);
    free(role->session);
    secret_free(role->external_id);
    free(role->token_file);
}

void
creds_plan_deinit(struct creds_plan *plan)
{
    secret_free(plan->access_key);
    secret_free(plan->secret);
    secret_free(plan->token);
    secret_free(plan->command);
    role_deinit(&plan->web);
    for (unsigned i = 0; i < plan->role_count; i++)
        role_deinit(&plan->roles[i]);
    *plan = (struct creds_plan){.base = CREDS_STATIC};
}
