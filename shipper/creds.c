#include "shipper/creds.h"

#include "common/fileio.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_LIMIT = 1024 * 1024,
    FILES = 2, /* one for each enum profile_file, in its order */
    WHY_MAX = 512,
};

/* A file's looks: when they differ, it is read anew.  Zeros: no file. */
struct looks {
    struct timespec modified;
    off_t size;
    ino_t inode;
};

struct creds {
    const struct settings *settings;
    struct creds_keys keys;
    struct looks looks[FILES];
    bool read;          /* the files, since they last changed */
    char why[WHY_MAX];  /* there are no keys; "" where there are */
    char told[WHY_MAX]; /* what the log knows already */
};

static void
wipe(char **text)
{
    if (*text)
        OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static void
forget(struct creds *creds)
{
    wipe(&creds->keys.access_key);
    wipe(&creds->keys.secret);
    wipe(&creds->keys.token);
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

    forget(creds);
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
 * Return: 0, or a negative errno with creds->why.
 */
static int
take(struct creds *creds, const char *source, const char *access_key,
     const char *secret, const char *token)
{
    if (!access_key || !secret)
        return refuse(creds, "%s has %s without %s", source,
                      access_key ? "an access key" : "a secret key",
                      access_key ? "its secret" : "its id");
    if (!is_word(access_key) || !is_word(secret) || (token && !is_word(token)))
        return refuse(creds, "%s has a key with blanks or odd characters",
                      source);
    forget(creds);
    creds->keys.access_key = strdup(access_key);
    creds->keys.secret = strdup(secret);
    creds->keys.token = token ? strdup(token) : NULL;
    if (!creds->keys.access_key || !creds->keys.secret ||
        (token && !creds->keys.token))
        return refuse(creds, "out of memory");
    *creds->why = '\0';
    return 0;
}

/* Return: whether the environment has keys, or half of them. */
static bool
from_environment(struct creds *creds)
{
    const char *access_key = env("AWS_ACCESS_KEY_ID");
    const char *secret = env("AWS_SECRET_ACCESS_KEY");
    const char *token = env("AWS_SESSION_TOKEN");

    if (!access_key && !secret)
        return false;
    (void)take(creds, "the environment", access_key, secret,
               token ? token : env("AWS_SECURITY_TOKEN"));
    return true;
}

/* Where a shared file is, "" where nobody knows. */
static void
file_path(char path[PATH_MAX], enum profile_file file)
{
    static const struct {
        const char *variable, *usual;
    } places[FILES] = {
        [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
        [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE",
                                 "~/.aws/credentials"},
    };
    const char *named = env(places[file].variable), *home = env("HOME");
    int len;

    if (!named)
        named = places[file].usual;
    if (strncmp(named, "~/", 2))
        len = snprintf(path, PATH_MAX, "%s", named);
    else if (home)
        len = snprintf(path, PATH_MAX, "%s%s", home, named + 1);
    else
        len = PATH_MAX;
    if (len >= PATH_MAX)
        *path = '\0';
}

/* Return: whether a file has changed since the last call. */
static bool
files_changed(struct creds *creds)
{
    bool changed = false;

    for (int file = 0; file < FILES; file++) {
        struct looks now = {.size = 0}, *last = &creds->looks[file];
        char path[PATH_MAX];
        struct stat st;

        file_path(path, (enum profile_file)file);
        if (*path && stat(path, &st) == 0)
            now = (struct looks){st.st_mtim, st.st_size, st.st_ino};
        if (now.modified.tv_sec != last->modified.tv_sec ||
            now.modified.tv_nsec != last->modified.tv_nsec ||
            now.size != last->size || now.inode != last->inode)
            changed = true;
        *last = now;
    }
    return changed;
}

/* Add what a file holds; one that is not there holds nothing. */
static int
read_file(struct creds *creds, struct profiles *profiles,
          enum profile_file file)
{
    struct profile_error error;
    char path[PATH_MAX], *text;
    size_t len;
    int r;

    file_path(path, file);
    if (!*path)
        return 0;
    r = fileio_read_all(AT_FDCWD, path, FILE_LIMIT, &text, &len);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0)
        return refuse(creds, "%s: %s", path, strerror(-r));

    r = profiles_parse(profiles, file, text, len, &error);
    OPENSSL_cleanse(text, len);
    free(text);
    if (r == PROFILE_BROKEN)
        return refuse(creds, "%s:%u: %s", path, error.line, error.why);
    return r < 0 ? refuse(creds, "out of memory") : 0;
}

/* What of @profile this version cannot do, in AWS's own order; or NULL. */
static const char *
beyond_us(const struct profile *profile)
{
    static const struct {
        const char *property, *means;
    } ways[] = {
        {"role_arn", "a role to assume"},
        {"web_identity_token_file", "a web identity"},
        {"sso_session", "a login in a browser"},
        {"sso_start_url", "a login in a browser"},
    };
    const struct profile_property *key =
        profile_get(profile, "aws_access_key_id");

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (profile_get(profile, ways[i].property))
            return ways[i].means;
    if (profile_get(profile, "credential_process") &&
        !(key && key->file == PROFILE_CREDENTIALS))
        return "a credential_process";
    return NULL;
}

static const char *
value_of(const struct profile *profile, const char *name)
{
    const struct profile_property *property = profile_get(profile, name);

    return property ? property->value : NULL;
}

/* The profile's name as [aws] profile, AWS_PROFILE or AWS have it. */
static const char *
profile_wanted(const struct creds *creds)
{
    const char *name = creds->settings->aws.profile;

    if (!*name)
        name = env("AWS_PROFILE");
    return name ? name : "default";
}

static int
from_profiles(struct creds *creds, const struct profiles *profiles)
{
    const char *name = profile_wanted(creds), *beyond;
    const struct profile *profile = profiles_find(profiles, name);
    char source[WHY_MAX / 2];

    (void)snprintf(source, sizeof(source), "profile \"%s\"", name);
    if (!profile && strcmp(name, "default"))
        return refuse(creds, "%s is in neither of the shared files", source);
    if (!profile)
        return refuse(creds, "no keys in the environment, and no shared "
                             "credentials file with a default profile");
    beyond = beyond_us(profile);
    if (beyond)
        return refuse(creds, "%s needs %s, which this version does not know",
                      source, beyond);
    if (!value_of(profile, "aws_access_key_id") &&
        !value_of(profile, "aws_secret_access_key"))
        return refuse(creds, "%s has no keys", source);
    return take(creds, source, value_of(profile, "aws_access_key_id"),
                value_of(profile, "aws_secret_access_key"),
                value_of(profile, "aws_session_token"));
}

static void
read_files(struct creds *creds)
{
    struct profiles profiles = {NULL};
    int r;

    r = read_file(creds, &profiles, PROFILE_CONFIG);
    if (r == 0)
        r = read_file(creds, &profiles, PROFILE_CREDENTIALS);
    if (r == 0)
        (void)from_profiles(creds, &profiles);
    profiles_free(&profiles);
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
    if (!from_environment(creds)) {
        /* What is wrong may be mended without a change of the files. */
        if (files_changed(creds) || !creds->read || *creds->why)
            read_files(creds);
        creds->read = true;
    }
    tell(creds);
    *why = creds->why;
    return *creds->why ? NULL : &creds->keys;
}

void
creds_distrust(struct creds *creds)
{
    creds->read = false;
}

int
creds_new(struct creds **created, const struct settings *settings)
{
    struct creds *creds = calloc(1, sizeof(*creds));

    if (!creds)
        return -ENOMEM;
    creds->settings = settings;
    *created = creds;
    return 0;
}

void
creds_free(struct creds *creds)
{
    if (!creds)
        return;
    forget(creds);
    free(creds);
}
