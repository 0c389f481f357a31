#include "common/issuer.h"

#include "common/settings.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The pool's region, as long as it is at the start of @id, or 0: ids look like
 * eu-west-1_AbCdEf123 (Cognito Developer Guide). */
static size_t
region_length(const char *id)
{
    size_t len = strcspn(id, "_"), rest;

    if (!id[len] || len < 9 || len > 32)
        return 0;
    if (strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != len ||
        !islower((unsigned char)id[0]) || id[2] != '-' ||
        !isdigit((unsigned char)id[len - 1]))
        return 0;
    rest = strlen(id + len + 1);
    for (size_t i = 0; i < rest; i++)
        if (!isalnum((unsigned char)id[len + 1 + i]))
            return 0;
    return rest && rest <= 55 ? len : 0;
}

void
issuer_find(struct issuer *issuer, const struct settings *settings)
{
    const char *pool = settings->auth.user_pool_id;
    size_t region = region_length(pool);

    *issuer = (struct issuer){.name = ""};
    if (*settings->auth.issuer)
        (void)snprintf(issuer->name, sizeof(issuer->name), "%s",
                       settings->auth.issuer);
    else if (region)
        (void)snprintf(issuer->name, sizeof(issuer->name),
                       "https://cognito-idp.%.*s.amazonaws.com%s/%s",
                       (int)region, pool, strncmp(pool, "cn-", 3) ? "" : ".cn",
                       pool);
    if (!*issuer->name)
        return;
    if (*settings->auth.jwks_url)
        (void)snprintf(issuer->jwks_url, sizeof(issuer->jwks_url), "%s",
                       settings->auth.jwks_url);
    else
        (void)snprintf(issuer->jwks_url, sizeof(issuer->jwks_url),
                       "%.480s/.well-known/jwks.json", issuer->name);
}

static bool
is_url(const char *text)
{
    if (strncmp(text, "https://", 8) && strncmp(text, "http://", 7))
        return false;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
            return false;
    return strlen(text) < ISSUER_URL_MAX - 32;
}

/* The words of [auth] token_use. */
static bool
uses_ok(const char *words)
{
    size_t count = 0, len;

    for (words += strspn(words, " \t"); *words; words += strspn(words, " \t")) {
        len = strcspn(words, " \t");
        if (!(len == 2 && !memcmp(words, "id", 2)) &&
            !(len == 6 && !memcmp(words, "access", 6)))
            return false;
        count++;
        words += len;
    }
    return count;
}

void
issuer_check(struct settings *settings)
{
    bool known = *settings->auth.user_pool_id || *settings->auth.issuer;

    if (*settings->auth.user_pool_id &&
        !region_length(settings->auth.user_pool_id))
        settings_complain(settings, "auth.user_pool_id",
                          "a user pool is named like ap-southeast-1_AbCdEfGhI");
    if (*settings->auth.issuer && !is_url(settings->auth.issuer))
        settings_complain(settings, "auth.issuer",
                          "an issuer is an URL, as tokens have it in `iss`");
    if (*settings->auth.jwks_url && !is_url(settings->auth.jwks_url))
        settings_complain(settings, "auth.jwks_url",
                          "the key set is read from an URL, https:// (or, of "
                          "a loopback address, http://)");
    if (!uses_ok(settings->auth.token_use))
        settings_complain(settings, "auth.token_use",
                          "give id, access or both");
    if (*settings->auth.jwks_url && !known)
        settings_complain(settings, "auth.jwks_url",
                          "keys need an issuer: set auth.user_pool_id or "
                          "auth.issuer");
    if (known && !*settings->auth.client_ids)
        settings_complain(settings,
                          *settings->auth.issuer ? "auth.issuer"
                                                 : "auth.user_pool_id",
                          "name in client_ids the app clients whose tokens "
                          "are taken: without, those of every app were");
}
