#include "ingest/cors.h"

#include "common/settings.h"

#include <errno.h>
#include <stdlib.h>

/* scheme "://" host [":" port], as browsers serialise it (RFC 6454). */
static bool
is_origin(const char *text)
{
    const char *rest = !strncmp(text, "https://", 8)  ? text + 8
                       : !strncmp(text, "http://", 7) ? text + 7
                                                      : NULL;

    return rest && *rest && !rest[strcspn(rest, "/?#@*,\" ")] &&
           !text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static void
add_origin(struct cors *cors, struct settings *settings, size_t *count,
           const char *word)
{
    if (!strcmp(word, "*")) {
        cors->any = true;
        settings_warn(settings, "cors.origins",
                      "\"*\" lets every page on the web send events");
    } else if (is_origin(word)) {
        cors->origins[(*count)++] = word;
    } else {
        settings_complain(settings, "cors.origins",
                          "\"%s\" is no origin: give scheme://host[:port] in "
                          "lower case, without a path, as in "
                          "https://shop.example",
                          word);
    }
}

int
cors_load(struct cors *cors, struct settings *settings)
{
    size_t room = strlen(settings->cors.origins) / 2 + 2, count = 0;
    char *word, *rest;

    *cors = (struct cors){0};
    cors->words = strdup(settings->cors.origins);
    cors->origins = calloc(room, sizeof(*cors->origins));
    if (!cors->words || !cors->origins) {
        cors_deinit(cors);
        return -ENOMEM;
    }
    for (rest = cors->words; (word = strsep(&rest, " \t"));)
        if (*word)
            add_origin(cors, settings, &count, word);
    cors->on = cors->any || count;
    return 0;
}

void
cors_deinit(struct cors *cors)
{
    free(cors->words);
    free(cors->origins);
    *cors = (struct cors){0};
}

static bool
same_authority(struct slice origin, struct slice host)
{
    const char *slashes =
        origin.len > 3 ? memmem(origin.data, origin.len, "://", 3) : NULL;
    struct slice authority;

    if (!slashes || !host.len)
        return false;
    authority.data = slashes + 3;
    authority.len = origin.len - (size_t)(authority.data - origin.data);
    return authority.len == host.len &&
           !strncasecmp(authority.data, host.data, host.len);
}

bool
cors_judge(const struct cors *cors, const struct cors_request *request,
           const char **allow)
{
    *allow = NULL;
    if (!cors->on || !request->origin.data)
        return true;
    for (const char **origin = cors->origins; *origin; origin++)
        if (slice_is(request->origin, *origin)) {
            *allow = *origin;
            return true;
        }
    if (cors->any) {
        *allow = "*";
        return true;
    }
    return same_authority(request->origin, request->host) ||
           same_authority(request->origin, request->forwarded_host) ||
           slice_is(request->fetch_site, "same-origin");
}
