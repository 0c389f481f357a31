/*
 * Where keys come from: which source decides, what is wrong with it, and when
 * files are read anew.
 */
#include "common/settings.h"
#include "shipper/creds.h"
#include "tests/check.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* A home with an .aws folder, an empty environment, and the settings. */
struct world {
    char home[64];
    struct settings settings;
    struct creds *creds;
};

static void
path_of(const struct world *world, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/.aws/%s", world->home, name);
}

/* Each write has a time of its own, however coarse the file system's is. */
static void
put(const struct world *world, const char *name, const char *text)
{
    static time_t seconds = 1000000000;
    char path[PATH_MAX];
    FILE *file;

    path_of(world, name, path);
    file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && !fclose(file));
    CHECK(!utimensat(AT_FDCWD, path,
                     (struct timespec[]){{seconds, 0}, {seconds, 0}}, 0));
    seconds++;
}

static void
begin(struct world *world, const char *profile)
{
    char path[PATH_MAX];

    CHECK(!clearenv());
    (void)strcpy(world->home, "/tmp/clickspool-creds-XXXXXX");
    CHECK(mkdtemp(world->home));
    path_of(world, "", path);
    CHECK(!mkdir(path, 0700));
    CHECK(!setenv("HOME", world->home, 1));
    CHECK(!setenv("CLICKSPOOL_AWS_PROFILE", profile, 1));
    CHECK(!settings_load(&world->settings, "/dev/null", true));
    CHECK(!creds_new(&world->creds, NULL, NULL, &world->settings, CREDS_AWS));
}

static void
end(struct world *world)
{
    char path[PATH_MAX];

    creds_free(world->creds);
    settings_free(&world->settings);
    path_of(world, "config", path);
    (void)unlink(path);
    path_of(world, "credentials", path);
    (void)unlink(path);
    path_of(world, "", path);
    CHECK(!rmdir(path));
    CHECK(!rmdir(world->home));
}

static void
check_keys(struct world *world, const char *access_key, const char *secret,
           const char *token)
{
    const char *why;
    const struct creds_keys *keys = creds_get(world->creds, &why);

    CHECK_STR(why, "");
    CHECK_STR(keys->access_key, access_key);
    CHECK_STR(keys->secret, secret);
    if (token)
        CHECK_STR(keys->token, token);
    else
        CHECK(!keys->token);
}

static void
check_none(struct world *world, const char *because)
{
    const char *why;

    CHECK(!creds_get(world->creds, &why));
    fprintf(stderr, "%s\n", why);
    CHECK(strstr(why, because));
}

#define PAIR(id, secret)                                                       \
    "aws_access_key_id = " id "\naws_secret_access_key = " secret "\n"

static void
the_environment_comes_first(void)
{
    struct world world;

    begin(&world, "");
    put(&world, "credentials", "[default]\n" PAIR("FILE", "f"));
    CHECK(!setenv("AWS_ACCESS_KEY_ID", "ENV", 1));
    CHECK(!setenv("AWS_SECRET_ACCESS_KEY", "e", 1));
    check_keys(&world, "ENV", "e", NULL);
    CHECK(!setenv("AWS_SECURITY_TOKEN", "old", 1));
    check_keys(&world, "ENV", "e", "old");
    CHECK(!setenv("AWS_SESSION_TOKEN", "new", 1));
    check_keys(&world, "ENV", "e", "new");
    CHECK(!setenv("AWS_ACCESS_KEY_ID", "", 1));
    CHECK(!setenv("AWS_SECRET_ACCESS_KEY", "", 1));
    check_keys(&world, "FILE", "f", NULL); /* empty is unset */
    end(&world);
}

static void
half_of_a_pair_is_an_error_and_no_reason_to_look_on(void)
{
    struct world world;

    begin(&world, "");
    put(&world, "credentials", "[default]\n" PAIR("FILE", "f"));
    CHECK(!setenv("AWS_ACCESS_KEY_ID", "ENV", 1));
    check_none(&world, "the environment has an access key without its secret");
    CHECK(!unsetenv("AWS_ACCESS_KEY_ID"));
    CHECK(!setenv("AWS_SECRET_ACCESS_KEY", "e", 1));
    check_none(&world, "the environment has a secret key without its id");
    CHECK(!unsetenv("AWS_SECRET_ACCESS_KEY"));
    check_keys(&world, "FILE", "f", NULL);
    put(&world, "credentials", "[default]\naws_access_key_id = FILE\n");
    check_none(&world, "profile \"default\" has an access key without");
    end(&world);
}

static void
the_profile_is_ours_or_aws_profile_or_default(void)
{
    static const char files[] = "[default]\n" PAIR("A", "a") "[shop]\n" PAIR(
        "B", "b") "aws_session_token = t\n[ours]\n" PAIR("C", "c");
    struct world world;

    begin(&world, "");
    put(&world, "credentials", files);
    check_keys(&world, "A", "a", NULL);
    CHECK(!setenv("AWS_PROFILE", "shop", 1));
    creds_distrust(world.creds);
    check_keys(&world, "B", "b", "t");
    CHECK(!setenv("AWS_PROFILE", "none", 1));
    creds_distrust(world.creds);
    check_none(&world, "profile \"none\" is in neither");
    end(&world);

    begin(&world, "ours");
    put(&world, "credentials", files);
    CHECK(!setenv("AWS_PROFILE", "shop", 1));
    check_keys(&world, "C", "c", NULL);
    end(&world);
}

static void
both_files_are_read_from_where_the_variables_say(void)
{
    struct world world;
    char path[PATH_MAX];

    begin(&world, "shop");
    put(&world, "config", "[profile shop]\n" PAIR("A", "a"));
    check_keys(&world, "A", "a", NULL);
    put(&world, "credentials", "[shop]\n" PAIR("B", "b"));
    check_keys(&world, "B", "b", NULL); /* the credentials file wins */

    path_of(&world, "credentials", path);
    CHECK(!setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1));
    check_keys(&world, "A", "a", NULL);
    CHECK(!setenv("AWS_CONFIG_FILE", "~/.aws/nothing", 1));
    check_none(&world, "profile \"shop\" is in neither");
    CHECK(!setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1));
    check_keys(&world, "B", "b", NULL);
    CHECK(!setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", 1));
    CHECK(!unsetenv("HOME"));
    check_none(&world, "neither");
    end(&world);
}

static void
a_file_is_read_anew_when_it_changes_and_after_distrust(void)
{
    struct world world;
    char path[PATH_MAX];
    struct stat st;

    begin(&world, "");
    check_none(&world, "no keys in the environment");
    put(&world, "credentials", "[default]\n" PAIR("A", "a"));
    check_keys(&world, "A", "a", NULL);
    put(&world, "credentials", "[default]\n" PAIR("B", "b"));
    check_keys(&world, "B", "b", NULL);

    /* One that looks the same, as on a file system with coarse times. */
    path_of(&world, "credentials", path);
    CHECK(!stat(path, &st));
    put(&world, "credentials", "[default]\n" PAIR("C", "c"));
    CHECK(!utimensat(AT_FDCWD, path,
                     (struct timespec[]){st.st_atim, st.st_mtim}, 0));
    check_keys(&world, "B", "b", NULL);
    creds_distrust(world.creds);
    check_keys(&world, "C", "c", NULL);
    CHECK(!unlink(path));
    check_none(&world, "no keys in the environment");
    end(&world);
}

static void
what_is_broken_says_so(void)
{
    struct world world;
    char path[PATH_MAX];

    begin(&world, "");
    put(&world, "credentials", "[default]\n" PAIR("A", "a"));
    put(&world, "config", "[default]\nregion\n");
    check_none(&world, "/.aws/config:2: Expected an '=' sign");
    put(&world, "config", "[default]\nregion = x\n");
    check_keys(&world, "A", "a", NULL);
    put(&world, "credentials", "[default]\n" PAIR("A", "a\n b"));
    check_none(&world, "odd characters");
    put(&world, "credentials", "[default]\nregion = x\n");
    check_none(&world, "profile \"default\" has no keys");

    path_of(&world, "credentials", path);
    CHECK(!unlink(path) && !mkdir(path, 0700));
    check_none(&world, "/.aws/credentials: ");
    CHECK(!rmdir(path));
    end(&world);
}

static void
what_needs_a_person_or_cannot_be_says_so(void)
{
    static const struct {
        const char *line, *because;
    } rows[] = {
        {"web_identity_token_file = /x\n", "without role_arn"},
        {"sso_session = x\n", "a login in a browser"},
        {"sso_start_url = x\n", "a login in a browser"},
        {"role_arn = r\n", "neither source_profile nor credential_source"},
        {"role_arn = r\nsource_profile = a\ncredential_source = Environment\n",
         "both source_profile and"},
        {"role_arn = r\ncredential_source = Ec2InstanceMetadata\n",
         "metadata services"},
        {"role_arn = r\nsource_profile = nobody\n", "\"nobody\" is in neither"},
        {"role_arn = r\nmfa_serial = m\nsource_profile = a\n", "mfa_serial"},
        {"role_arn = r\nsource_profile = round\n"
         "[profile round]\nrole_arn = q\nsource_profile = default\n",
         "go round"},
    };
    struct world world;
    char text[256];

    begin(&world, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(text, sizeof(text), "[default]\n%s", rows[i].line);
        put(&world, "config", text);
        check_none(&world, rows[i].because);
    }
    /* Keys of the credentials file come before a credential_process. */
    put(&world, "config", "[default]\ncredential_process = /bin/x\n");
    put(&world, "credentials", "[default]\n" PAIR("B", "b"));
    check_keys(&world, "B", "b", NULL);
    end(&world);
}

static void
what_systemd_hands_over_takes_the_file_s_place(void)
{
    struct world world;
    char path[PATH_MAX];

    begin(&world, "");
    put(&world, "credentials", "[default]\n" PAIR("FILE", "f"));
    put(&world, "logs", "[default]\n" PAIR("HANDED", "h"));
    path_of(&world, "", path);
    CHECK(!setenv("CREDENTIALS_DIRECTORY", path, 1));
    check_keys(&world, "HANDED", "h", NULL);
    path_of(&world, "logs", path);
    CHECK(!unlink(path));
    check_keys(&world, "FILE", "f", NULL);
    end(&world);
}

int
main(void)
{
    the_environment_comes_first();
    half_of_a_pair_is_an_error_and_no_reason_to_look_on();
    the_profile_is_ours_or_aws_profile_or_default();
    both_files_are_read_from_where_the_variables_say();
    a_file_is_read_anew_when_it_changes_and_after_distrust();
    what_is_broken_says_so();
    what_needs_a_person_or_cannot_be_says_so();
    what_systemd_hands_over_takes_the_file_s_place();
    return 0;
}
