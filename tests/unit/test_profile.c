/*
 * The shared files of AWS's tools: what each says, and where it is wrong.  The
 * published cases are read from the folder that the one argument names.
 */
#include "common/fileio.h"
#include "common/json.h"
#include "shipper/profile.h"
#include "tests/check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>

enum { VECTORS_MAX = 1 << 20, CASES = 65, SKIPPED = 77 };

static int
parse(struct profiles *profiles, enum profile_file file, const char *text,
      struct profile_error *error)
{
    return profiles_parse(profiles, file, text, strlen(text), error);
}

static int
count_properties(const struct profile *profile)
{
    const struct profile_property *property = profile->properties;
    int count = 0;

    for (; property; property = property->next)
        count++;
    return count;
}

static void
check_profile(const char *test, const struct profile *profile,
              const cJSON *wanted)
{
    const cJSON *property;

    cJSON_ArrayForEach(property, wanted)
    {
        const struct profile_property *got = profile->properties;

        while (got && strcmp(got->name, property->string))
            got = got->next;
        CHECK_STR(got ? got->value : test, property->valuestring);
    }
    CHECK_INT(count_properties(profile), cJSON_GetArraySize(wanted));
}

/* Sections that are no profiles are none of ours, so they are not compared. */
static void
check_profiles(const char *test, const struct profiles *profiles,
               const cJSON *wanted)
{
    const struct profile *profile = profiles->first;
    const cJSON *row;
    int count = 0;

    for (; profile; profile = profile->next)
        count++;
    CHECK_INT(count, cJSON_GetArraySize(wanted));
    cJSON_ArrayForEach(row, wanted)
    {
        profile = profiles_find(profiles, row->string);
        CHECK(profile);
        check_profile(test, profile, row);
    }
}

static void
check_case(const cJSON *test)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(test, "input");
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(test, "output");
    const char *name = json_get_string(test, "name");
    const char *config = json_get_string(input, "configFile");
    const char *credentials = json_get_string(input, "credentialsFile");
    const char *fault = json_get_string(output, "errorContaining");
    struct profiles profiles = {NULL};
    struct profile_error error;
    int r = 0;

    if (config)
        r = parse(&profiles, PROFILE_CONFIG, config, &error);
    if (!r && credentials)
        r = parse(&profiles, PROFILE_CREDENTIALS, credentials, &error);
    fprintf(stderr, "%s\n", name);
    CHECK_INT(r, fault ? PROFILE_BROKEN : 0);
    if (fault)
        CHECK(strstr(error.why, fault));
    else
        check_profiles(name, &profiles,
                       cJSON_GetObjectItemCaseSensitive(
                           cJSON_GetObjectItemCaseSensitive(output, "config"),
                           "profiles"));
    profiles_free(&profiles);
}

/* Return: whether the published cases are there. */
static bool
every_published_case_is_read_as_it_says(const char *folder)
{
    char path[4096], *text;
    size_t len;
    cJSON *document;
    const cJSON *tests, *test;

    (void)snprintf(path, sizeof(path), "%s/profile-parser-tests.json", folder);
    if (fileio_read_all(AT_FDCWD, path, VECTORS_MAX, &text, &len) == -ENOENT)
        return false;
    document = json_parse(text, len);
    tests = cJSON_GetObjectItemCaseSensitive(document, "tests");
    CHECK_INT(cJSON_GetArraySize(tests), CASES);
    cJSON_ArrayForEach(test, tests) check_case(test);
    cJSON_Delete(document);
    free(text);
    return true;
}

static void
an_error_names_its_line(void)
{
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"nothing", 1},
        {"# a comment\n\n[default]\nkey", 4},
        {"[default]\r\nkey = value\r\n[default\r\n", 3},
        {"[default]\nkey =\n\n sub", 4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct profiles profiles = {NULL};
        struct profile_error error;

        CHECK_INT(parse(&profiles, PROFILE_CREDENTIALS, rows[i].text, &error),
                  PROFILE_BROKEN);
        CHECK_INT(error.line, rows[i].line);
        profiles_free(&profiles);
    }
}

static void
a_property_tells_its_file_and_an_empty_one_is_none(void)
{
    struct profiles profiles = {NULL};
    struct profile_error error;
    const struct profile *profile;

    CHECK(!parse(&profiles, PROFILE_CONFIG,
                 "[profile shop]\nregion = cn-north-1\nsecret = old\n"
                 "empty =\n",
                 &error));
    CHECK(!parse(&profiles, PROFILE_CREDENTIALS, "[shop]\nSecret = new\n",
                 &error));
    profile = profiles_find(&profiles, "shop");
    CHECK(profile && !profiles_find(&profiles, "sho"));
    CHECK_INT(profile_get(profile, "region")->file, PROFILE_CONFIG);
    CHECK_INT(profile_get(profile, "secret")->file, PROFILE_CREDENTIALS);
    CHECK_STR(profile_get(profile, "secret")->value, "new");
    CHECK(!profile_get(profile, "empty"));
    CHECK(!profile_get(profile, "absent"));
    profiles_free(&profiles);
}

int
main(int argc, char **argv)
{
    an_error_names_its_line();
    a_property_tells_its_file_and_an_empty_one_is_none();
    CHECK_INT(argc, 2);
    return every_published_case_is_read_as_it_says(argv[1]) ? 0 : SKIPPED;
}
