#include "shipper/creds.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/jitter.h"
#include "common/log.h"
#include "common/secret_text.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "shipper/aws_clock.h"
#include "shipper/creds_files.h"
#include "shipper/creds_plan.h"
#include "shipper/creds_process.h"
#include "shipper/sts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_BASE_MS = 1000,
    AHEAD_MS = 15 * 60 * 1000, /* of the end of keys that last an hour */
    HOUR_MS = 60 * 60 * 1000,
    DISTRUST_MS = 10 * 1000, /* between two fetches because of a refusal */
};

struct creds {
    uv_loop_t *loop;
    struct http *http;
    const struct settings *settings;
    enum creds_for who;
    struct creds_files files;
    bool read; /* the files, since they last changed */
    struct creds_plan plan;
    struct creds_keys keys;
    char why[CREDS_WHY_MAX];  /* there are no keys; "" where there are */
    char told[CREDS_WHY_MAX]; /* what the log knows already */
    bool planless;            /* `why` is about the plan */

    /* Fetching what the plan asks for. */
    struct creds_process *process;
    struct sts_call call;
    bool calling;
    int64_t called_us;
    unsigned roles_done;
    struct creds_keys step; /* what was reached so far */
    int64_t fetched_ms, refresh_ms, next_try_ms;
    unsigned failures; /* in a row */
    struct aws_clock clock;
};

static void next_step(struct creds *creds);

static void
keys_forget(struct creds_keys *keys)
{
    secret_free(keys->access_key);
    secret_free(keys->secret);
    secret_free(keys->token);
    *keys = (struct creds_keys){0};
}

static const char *
env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

__attribute__((format(printf, 2, 3))) static int
refuse(struct creds *creds, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(creds->why, sizeof(creds->why), format, args);
    va_end(args);
    return -ENOENT;
}

/* What goes into a header is one printable word. */
static bool
is_word(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/*
 * Take a copy of keys that are found in @source.
 *
 * Return: 0, or a negative errno with creds->why; then @keys are none.
 */
static int
take(struct creds *creds, struct creds_keys *keys, const char *source,
     const struct creds_keys *found)
{
    const char *token = found->token;

    keys_forget(keys);
    if (!found->access_key || !found->secret)
        return refuse(creds, "%s has %s without %s", source,
                      found->access_key ? "an access key" : "a secret key",
                      found->access_key ? "its secret" : "its id");
    if (!is_word(found->access_key) || !is_word(found->secret) ||
        (token && !is_word(token)))
        return refuse(creds, "%s has a key with blanks or odd characters",
                      source);
    *keys =
        (struct creds_keys){strdup(found->access_key), strdup(found->secret),
                            token ? strdup(token) : NULL, found->expires_ms};
    if (keys->access_key && keys->secret && (!token || keys->token))
        return 0;
    keys_forget(keys);
    return refuse(creds, "out of memory");
}

static int
take_environment(struct creds *creds, struct creds_keys *keys)
{
    const char *token = env("AWS_SESSION_TOKEN");
    const char *ends = env("AWS_CREDENTIAL_EXPIRATION");
    struct creds_keys found = {
        .access_key = (char *)(uintptr_t)env("AWS_ACCESS_KEY_ID"),
        .secret = (char *)(uintptr_t)env("AWS_SECRET_ACCESS_KEY"),
        /* Its older name is read as well. */
        .token = (char *)(uintptr_t)(token ? token : env("AWS_SECURITY_TOKEN")),
    };

    if (ends)
        (void)timefmt_parse(ends, strlen(ends), &found.expires_ms);
    return take(creds, keys, "the environment", &found);
}

/* Is there nothing to fetch? */
static bool
is_at_hand(const struct creds_plan *plan)
{
    return !plan->role_count &&
           (plan->base == CREDS_STATIC || plan->base == CREDS_ENVIRONMENT);
}

static const char *
profile_wanted(const struct creds *creds, bool *explicit)
{
    const char *name = creds->settings->aws.profile;

    *explicit =
        creds->who == CREDS_UPLOADS && *creds->settings->uploads.profile;
    if (*explicit)
        return creds->settings->uploads.profile;
    if (!*name)
        name = env("AWS_PROFILE");
    return name ? name : "default";
}

static int
take_static(struct creds *creds, struct creds_keys *keys)
{
    const struct creds_keys found = {creds->plan.access_key, creds->plan.secret,
                                     creds->plan.token, 0};
    char source[CREDS_WHY_MAX / 2];
    bool explicit;

    if (creds->plan.base == CREDS_ENVIRONMENT)
        return take_environment(creds, keys);
    (void)snprintf(source, sizeof(source), "profile \"%s\"",
                   profile_wanted(creds, &explicit));
    return take(creds, keys, source, &found);
}

static int
make_plan(struct creds *creds, struct creds_plan *plan)
{
    const char *role = creds->settings->aws.role_arn;
    struct profiles profiles = {NULL};
    const char *name;
    bool explicit;
    int r = 0;

    name = profile_wanted(creds, &explicit);
    if (!explicit &&
        (env("AWS_ACCESS_KEY_ID") || env("AWS_SECRET_ACCESS_KEY"))) {
        plan->base = CREDS_ENVIRONMENT;
    } else {
        r = creds_files_read(&creds->files, &profiles, creds->why);
        if (!r)
            r = creds_plan_profile(plan, &profiles, name, creds->why);
        profiles_free(&profiles);
    }
    if (creds->who == CREDS_UPLOADS && *creds->settings->uploads.role_arn)
        role = creds->settings->uploads.role_arn;
    else if (explicit)
        role = "";
    if (!r && *role)
        r = creds_plan_add_role(plan, role, creds->why);
    return r;
}

static void
give_up_fetch(struct creds *creds)
{
    if (creds->process)
        creds_process_cancel(creds->process);
    if (creds->calling)
        sts_call_cancel(&creds->call);
    creds->process = NULL;
    creds->calling = false;
    keys_forget(&creds->step);
}

/* What is configured may have changed, or been mended. */
static void
look_at_plan(struct creds *creds)
{
    struct creds_plan plan = {.base = CREDS_STATIC};
    bool changed = creds_files_changed(&creds->files);
    int r;

    /* The environment may be another's by now; looking at it is cheap. */
    if (!changed && creds->read && !creds->planless &&
        creds->plan.base != CREDS_ENVIRONMENT && !env("AWS_ACCESS_KEY_ID") &&
        !env("AWS_SECRET_ACCESS_KEY"))
        return;
    creds->read = true;
    *creds->why = '\0';
    r = make_plan(creds, &plan);
    creds->planless = r < 0;
    if (!r && creds_plan_equal(&plan, &creds->plan) && !is_at_hand(&plan)) {
        creds_plan_deinit(&plan);
        return;
    }
    give_up_fetch(creds);
    creds_plan_deinit(&creds->plan);
    keys_forget(&creds->keys);
    creds->plan = plan;
    creds->next_try_ms = 0;
    creds->failures = 0;
    if (!r && is_at_hand(&creds->plan))
        creds->planless = take_static(creds, &creds->keys) < 0;
}

/* The old keys go on as long as they last. */
static void
fetch_failed(struct creds *creds, const char *what, const char *code,
             const char *why)
{
    char text[CREDS_WHY_MAX];

    (void)snprintf(text, sizeof(text), "%.120s: %.96s%s%.240s", what, code,
                   *code && *why ? ": " : "", why);
    creds->next_try_ms =
        clock_wall_ms() +
        backoff_delay_ms(RETRY_BASE_MS, ++creds->failures, jitter_bits());
    keys_forget(&creds->step);
    if (strcmp(text, creds->told))
        log_warning("credentials_not_fetched", log_text("why", text), );
    memcpy(creds->told, text, sizeof(text));
    (void)refuse(creds, "%.500s", text);
}

static void
fetch_done(struct creds *creds)
{
    int64_t now_ms = clock_wall_ms(), ends_ms = creds->step.expires_ms;
    int64_t life_ms = ends_ms - now_ms;

    keys_forget(&creds->keys);
    creds->keys = creds->step;
    creds->step = (struct creds_keys){NULL, NULL, NULL, 0};
    creds->fetched_ms = now_ms;
    creds->refresh_ms =
        !ends_ms ? INT64_MAX
                 : ends_ms - (life_ms >= HOUR_MS ? AHEAD_MS : life_ms / 4);
    if (creds->failures || *creds->told || !creds->fetched_ms)
        log_notice("credentials_fetched", );
    creds->failures = 0;
    *creds->why = *creds->told = '\0';
}

static void
on_printed(void *owner, const struct creds_printed *printed)
{
    struct creds *creds = owner;
    const struct creds_keys found = {(char *)(uintptr_t)printed->access_key,
                                     (char *)(uintptr_t)printed->secret,
                                     (char *)(uintptr_t)printed->token,
                                     printed->expires_ms};

    creds->process = NULL;
    if (printed->error)
        fetch_failed(creds, "credential_process", "", printed->error);
    else if (take(creds, &creds->step, "credential_process", &found) < 0)
        fetch_failed(creds, "credential_process", "", creds->why);
    else
        next_step(creds);
}

static void
on_assumed(struct sts_call *call, const struct sts_answer *answer,
           const char *date)
{
    struct creds *creds = call->owner;
    int64_t now_us = clock_mono_us();
    const struct creds_keys found = {(char *)(uintptr_t)answer->access_key,
                                     (char *)(uintptr_t)answer->secret,
                                     (char *)(uintptr_t)answer->token,
                                     answer->expires_ms};

    creds->calling = false;
    aws_clock_learn(&creds->clock,
                    &(struct aws_clock_sample){
                        clock_wall_ms() - (now_us - creds->called_us) / 1000,
                        (now_us - creds->called_us) / 1000, now_us, date, ""});
    if (*answer->code)
        fetch_failed(creds, "AssumeRole", answer->code, answer->message);
    else if (take(creds, &creds->step, "STS", &found) < 0)
        fetch_failed(creds, "AssumeRole", "", creds->why);
    else
        next_step(creds);
}

static void
assume(struct creds *creds, const struct creds_role *role,
       const struct creds_keys *keys)
{
    char why[CREDS_WHY_MAX];

    creds->call.done = on_assumed;
    creds->call.owner = creds;
    creds->called_us = clock_mono_us();
    creds->calling =
        sts_call_start(&creds->call, creds->http, creds->settings, role, keys,
                       clock_wall_ms() + creds->clock.offset_ms, why) == 0;
    if (!creds->calling)
        fetch_failed(creds, "AssumeRole", "", why);
}

/* The next role on top of what was reached, or the end. */
static void
next_step(struct creds *creds)
{
    if (creds->roles_done == creds->plan.role_count)
        fetch_done(creds);
    else
        assume(creds, &creds->plan.roles[creds->roles_done++], &creds->step);
}

static void
fetch(struct creds *creds)
{
    int r;

    creds->roles_done = 0;
    switch (creds->plan.base) {
    case CREDS_STATIC:
    case CREDS_ENVIRONMENT:
        if (take_static(creds, &creds->step) == 0)
            next_step(creds);
        else
            fetch_failed(creds, "credentials", "", creds->why);
        return;
    case CREDS_WEB:
        assume(creds, &creds->plan.web, NULL);
        return;
    case CREDS_PROCESS:
        r = creds_process_start(&creds->process, creds->loop,
                                creds->plan.command, on_printed, creds);
        if (r < 0)
            fetch_failed(creds, "credential_process", "",
                         r == -EINVAL ? "its command line has an open quote"
                                      : strerror(-r));
        return;
    }
}

/* Keys that have to be fetched: in time, and not all at once. */
static void
look_at_fetched(struct creds *creds)
{
    int64_t now_ms = clock_wall_ms();
    bool has = creds->keys.access_key;

    if (has && creds->keys.expires_ms && now_ms >= creds->keys.expires_ms) {
        keys_forget(&creds->keys);
        has = false;
    }
    if (has)
        *creds->why = '\0';
    else if (!creds->failures)
        (void)refuse(creds, "they are being fetched");
    else if (!*creds->why)
        (void)refuse(creds, "%s", creds->told);
    if (creds->process || creds->calling || now_ms < creds->next_try_ms ||
        (has && now_ms < creds->refresh_ms))
        return;
    if (creds->loop)
        fetch(creds);
    if (creds->keys.access_key)
        *creds->why = '\0';
}

/* Log what is wrong, or that it no longer is, when that changes. */
static void
tell(struct creds *creds)
{
    if (!strcmp(creds->why, creds->told))
        return;
    if (*creds->why)
        log_error("credentials_missing", log_text("why", creds->why), );
    else
        log_notice("credentials_found", );
    memcpy(creds->told, creds->why, sizeof(creds->told));
}

const struct creds_keys *
creds_get(struct creds *creds, const char **why)
{
    look_at_plan(creds);
    if (creds->planless || is_at_hand(&creds->plan))
        tell(creds);
    else
        look_at_fetched(creds);
    *why = creds->why;
    return *creds->why || !creds->keys.access_key ? NULL : &creds->keys;
}

bool
creds_fetching(const struct creds *creds)
{
    return creds->process || creds->calling;
}

void
creds_distrust(struct creds *creds)
{
    creds->read = false;
    if (clock_wall_ms() - creds->fetched_ms > DISTRUST_MS)
        creds->refresh_ms = 0;
}

int
creds_new(struct creds **created, uv_loop_t *loop, struct http *http,
          const struct settings *settings, enum creds_for who)
{
    struct creds *creds = calloc(1, sizeof(*creds));

    if (!creds)
        return -ENOMEM;
    creds->loop = loop;
    creds->http = http;
    creds->settings = settings;
    creds->who = who;
    creds->files.credential = who == CREDS_UPLOADS ? "uploads" : "logs";
    *created = creds;
    return 0;
}

void
creds_free(struct creds *creds)
{
    if (!creds)
        return;
    give_up_fetch(creds);
    creds_plan_deinit(&creds->plan);
    keys_forget(&creds->keys);
    free(creds);
}
