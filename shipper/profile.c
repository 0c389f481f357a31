#include "shipper/profile.h"

#include "common/secret_text.h"
#include "common/slice.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Where in a file the parser stands. */
struct parser {
    struct profiles *profiles;
    enum profile_file file;
    bool in_section;
    bool prefixed_default;   /* [profile default] was there: [default] is not */
    bool in_property;        /* which an indented line continues */
    bool sub_properties;     /* its value began empty */
    struct profile *profile; /* NULL: a section that is ignored */
    struct profile_property *property; /* NULL: one that is ignored */
    struct profile_error *error;
};

static void
free_properties(struct profile *profile)
{
    struct profile_property *property = profile->properties, *next;

    for (; property; property = next) {
        next = property->next;
        free(property->name);
        secret_free(property->value);
        free(property);
    }
    profile->properties = NULL;
}

void
profiles_free(struct profiles *profiles)
{
    struct profile *profile = profiles->first, *next;

    for (; profile; profile = next) {
        next = profile->next;
        free_properties(profile);
        free(profile->name);
        free(profile);
    }
    profiles->first = NULL;
}

const struct profile *
profiles_find(const struct profiles *profiles, const char *name)
{
    const struct profile *profile = profiles->first;

    while (profile && strcmp(profile->name, name))
        profile = profile->next;
    return profile;
}

const struct profile_property *
profile_get(const struct profile *profile, const char *name)
{
    const struct profile_property *property = profile->properties;

    while (property && strcmp(property->name, name))
        property = property->next;
    return property && *property->value ? property : NULL;
}

static int
broken(struct parser *parser, const char *why)
{
    parser->error->why = why;
    return PROFILE_BROKEN;
}

static bool
is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.data[i]) &&
            !strchr("-_/.%@:+", name.data[i]))
            return false;
    return name.len > 0 && !memchr(name.data, '\0', name.len);
}

static int
find_or_add_profile(struct profiles *profiles, struct slice name,
                    struct profile **found)
{
    struct profile **end = &profiles->first;

    while (*end && !slice_is(name, (*end)->name))
        end = &(*end)->next;
    if (!*end) {
        struct profile *profile = calloc(1, sizeof(*profile));

        if (!profile)
            return -ENOMEM;
        profile->name = strndup(name.data, name.len);
        if (!profile->name) {
            free(profile);
            return -ENOMEM;
        }
        *end = profile;
    }
    *found = *end;
    return 0;
}

/*
 * The profile that a section's heading names, empty where it names none:
 * "profile NAME" and "default" in the config file, "NAME" in the other.
 */
static struct slice
profile_name(struct parser *parser, struct slice heading, bool *prefixed)
{
    const struct slice prefix = SLICE("profile");
    const struct slice none = {NULL, 0};

    *prefixed = false;
    if (parser->file == PROFILE_CREDENTIALS)
        return heading;
    if (slice_is(heading, "default"))
        return heading;
    if (heading.len <= prefix.len ||
        memcmp(heading.data, prefix.data, prefix.len) ||
        (heading.data[prefix.len] != ' ' && heading.data[prefix.len] != '\t'))
        return none;
    *prefixed = true;
    return slice_trim(
        (struct slice){heading.data + prefix.len, heading.len - prefix.len});
}

static struct slice
cut_at(struct slice slice, size_t len)
{
    return slice_trim((struct slice){slice.data, len});
}

static int
parse_section(struct parser *parser, struct slice line)
{
    struct slice name;
    bool prefixed;
    size_t len = 0;
    int r;

    while (len < line.len && line.data[len] != '#' && line.data[len] != ';')
        len++;
    line = cut_at(line, len);
    if (line.data[line.len - 1] != ']')
        return broken(parser, "Profile definition must end with ']'");

    parser->in_section = true;
    parser->in_property = false;
    parser->profile = NULL;
    name = profile_name(parser,
                        slice_trim((struct slice){line.data + 1, line.len - 2}),
                        &prefixed);
    if (!is_name(name))
        return 0;
    if (parser->file == PROFILE_CONFIG && slice_is(name, "default") &&
        !prefixed && parser->prefixed_default)
        return 0;

    r = find_or_add_profile(parser->profiles, name, &parser->profile);
    if (r == 0 && prefixed && slice_is(name, "default") &&
        !parser->prefixed_default) {
        parser->prefixed_default = true;
        free_properties(parser->profile); /* [default]'s */
    }
    return r;
}

/* Without the comment that white space and '#' or ';' begin. */
static struct slice
without_comment(struct slice line)
{
    for (size_t i = 1; i < line.len; i++)
        if ((line.data[i] == '#' || line.data[i] == ';') &&
            (line.data[i - 1] == ' ' || line.data[i - 1] == '\t'))
            return cut_at(line, i);
    return slice_trim(line);
}

static int
set_value(struct parser *parser, struct profile_property *property,
          struct slice value)
{
    char *text = strndup(value.len ? value.data : "", value.len);

    if (!text)
        return -ENOMEM;
    secret_free(property->value);
    property->value = text;
    property->file = parser->file;
    return 0;
}

static int
find_or_add_property(struct parser *parser, struct slice name)
{
    struct profile_property **end = &parser->profile->properties;

    while (*end && !slice_is_nocase(name, (*end)->name))
        end = &(*end)->next;
    if (!*end) {
        struct profile_property *property = calloc(1, sizeof(*property));

        if (!property)
            return -ENOMEM;
        property->name = strndup(name.data, name.len);
        property->value = strdup("");
        if (!property->name || !property->value) {
            free(property->name);
            free(property->value);
            free(property);
            return -ENOMEM;
        }
        for (char *c = property->name; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        *end = property;
    }
    parser->property = *end;
    return 0;
}

static int
parse_property(struct parser *parser, struct slice line)
{
    struct slice name, value;
    int r;

    name = slice_trim(slice_split(without_comment(line), '=', &value));
    if (!value.data)
        return broken(parser, "Expected an '=' sign defining a property");
    if (!name.len)
        return broken(parser, "Property did not have a name");
    if (!parser->in_section)
        return broken(parser, "Expected a profile definition");

    value = slice_trim(value);
    parser->in_property = true;
    parser->sub_properties = !value.len;
    parser->property = NULL;
    if (!parser->profile || !is_name(name))
        return 0;
    r = find_or_add_property(parser, name);
    return r < 0 ? r : set_value(parser, parser->property, value);
}

static int
parse_continuation(struct parser *parser, struct slice line)
{
    struct slice value, name;
    char *joined;
    int r;

    if (!parser->in_section)
        return broken(parser, "Expected a profile definition");
    if (!parser->in_property)
        return broken(parser,
                      "Expected a property definition, found continuation");
    line = slice_trim(line);
    if (parser->sub_properties) {
        name = slice_trim(slice_split(line, '=', &value));
        if (!value.data)
            return broken(parser,
                          "Expected an '=' sign defining a sub-property");
        if (!name.len)
            return broken(parser, "Sub-property did not have a name");
    }
    if (!parser->property)
        return 0;

    if (asprintf(&joined, "%s\n%.*s", parser->property->value, (int)line.len,
                 line.data) < 0)
        return -ENOMEM;
    r = set_value(parser, parser->property,
                  (struct slice){joined, strlen(joined)});
    secret_free(joined);
    return r;
}

static int
parse_line(struct parser *parser, struct slice line)
{
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (!slice_trim(line).len || *line.data == '#' || *line.data == ';')
        return 0;
    if (*line.data == '[')
        return parse_section(parser, line);
    if (*line.data == ' ' || *line.data == '\t')
        return parse_continuation(parser, line);
    return parse_property(parser, line);
}

int
profiles_parse(struct profiles *profiles, enum profile_file file,
               const char *text, size_t len, struct profile_error *error)
{
    struct parser parser = {.profiles = profiles, .file = file, .error = error};
    struct slice rest = {text, len}, line;
    int r = 0;

    *error = (struct profile_error){.line = 0};
    while (r == 0 && rest.len) {
        error->line++;
        line = slice_split(rest, '\n', &rest);
        r = parse_line(&parser, line);
    }
    return r;
}
