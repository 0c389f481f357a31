#include "shipper/route.h"

#include "common/buf.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "shipper/category.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, DATE_LEN = 10 };

#define CLOUD_INIT_ID "/var/lib/cloud/data/instance-id"
#define MACHINE_ID "/etc/machine-id"
#define NO_CATEGORY "none"
#define CATEGORY_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

enum place { HOSTNAME, INSTANCE, CATEGORY, DATE, PLACES };

static const char *const places[PLACES] = {"{hostname}", "{instance}",
                                           "{category}", "{date}"};

/* What a stream's name cannot have is left out. */
static bool
read_id(char out[ROUTE_INSTANCE_SIZE], const char *path)
{
    FILE *file = fopen(path, "re");
    char line[ROUTE_INSTANCE_SIZE] = "";
    size_t len = 0;

    if (!file)
        return false;
    if (fgets(line, sizeof(line), file))
        for (const char *c = line; *c && *c != '\n'; c++)
            if (*c > ' ' && *c != 0x7f && !strchr(":*{}", *c))
                out[len++] = *c;
    out[len] = '\0';
    (void)fclose(file);
    return len > 0;
}

void
route_init(struct route *route, const struct settings *settings)
{
    *route = (struct route){
        .group = settings->shipper.log_group,
        .stream = settings->shipper.log_stream,
    };
    if (gethostname(route->hostname, sizeof(route->hostname) - 1) < 0 ||
        !*route->hostname)
        (void)strcpy(route->hostname, "localhost");
    if (!read_id(route->instance, CLOUD_INIT_ID) &&
        !read_id(route->instance, MACHINE_ID))
        (void)strcpy(route->instance, "unknown");
    route->by_category = strstr(route->group, places[CATEGORY]) ||
                         strstr(route->stream, places[CATEGORY]);
    route->by_date = strstr(route->group, places[DATE]) ||
                     strstr(route->stream, places[DATE]);
}

bool
route_varies(const struct route *route)
{
    return route->by_category || route->by_date;
}

/* Lines that are sent again may have been made elsewhere. */
static bool
is_category(struct slice text)
{
    if (!text.len || text.len >= ROUTE_CATEGORY_SIZE)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr(CATEGORY_CHARS, text.data[i]))
            return false;
    return true;
}

struct route_key
route_for(const struct route *route, struct slice category, int64_t ts)
{
    struct route_key key = {.day = route->by_date ? ts / DAY_MS : 0};

    if (!route->by_category)
        return key;
    if (!is_category(category))
        category = (struct slice){NO_CATEGORY, strlen(NO_CATEGORY)};
    memcpy(key.category, category.data, category.len);
    return key;
}

struct route_key
route_find(const struct route *route, struct slice line, int64_t ts)
{
    struct slice category = {NULL, 0};

    if (route->by_category)
        category = category_of(line);
    return route_for(route, category, ts);
}

bool
route_same(const struct route_key *a, const struct route_key *b)
{
    return a->day == b->day && !strcmp(a->category, b->category);
}

static void
fill_in(const struct route *route, const struct route_key *key,
        enum place place, struct buf *out)
{
    char date[TIMEFMT_SIZE];

    switch (place) {
    case HOSTNAME:
        (void)buf_puts(out, route->hostname);
        break;
    case INSTANCE:
        (void)buf_puts(out, route->instance);
        break;
    case CATEGORY:
        (void)buf_puts(out, key->category);
        break;
    case DATE:
        timefmt_rfc3339(date, key->day * DAY_MS);
        (void)buf_append(out, date, DATE_LEN);
        break;
    case PLACES:
        break;
    }
}

static void
expand(const struct route *route, const char *pattern,
       const struct route_key *key, struct buf *out)
{
    while (*pattern) {
        int place = 0;

        while (place < PLACES &&
               strncmp(pattern, places[place], strlen(places[place])))
            place++;
        if (place < PLACES) {
            fill_in(route, key, (enum place)place, out);
            pattern += strlen(places[place]);
        } else {
            (void)buf_putc(out, *pattern++);
        }
    }
}

void
route_group(const struct route *route, const struct route_key *key,
            struct buf *out)
{
    expand(route, route->group, key, out);
}

void
route_stream(const struct route *route, const struct route_key *key,
             struct buf *out)
{
    expand(route, route->stream, key, out);
}

static const char group_chars[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_/#";

/* A name with all its places filled in, as an example. */
static void
check_name(struct settings *settings, const char *key, const char *pattern,
           const char *name, bool good, const char *rule)
{
    size_t len = strlen(name);

    if (strpbrk(name, "{}"))
        settings_complain(settings, key,
                          "\"%s\": only {hostname}, {instance}, {category} and "
                          "{date} can be filled in",
                          pattern);
    else if (!len || len > ROUTE_NAME_MAX || !good)
        settings_complain(settings, key, "\"%s\" is no %s", pattern, rule);
}

void
route_check(struct settings *settings)
{
    struct route_key key = {.category = "business", .day = 1};
    const char *group_pattern = settings->shipper.log_group;
    struct buf group, stream;
    struct route route;

    route_init(&route, settings);
    buf_init(&group, 64 * 1024);
    buf_init(&stream, 64 * 1024);
    route_group(&route, &key, &group);
    route_stream(&route, &key, &stream);
    (void)buf_putc(&group, '\0');
    (void)buf_putc(&stream, '\0');
    if (!group.failed && !stream.failed) {
        check_name(settings, "shipper.log_group", group_pattern, group.data,
                   strspn(group.data, group_chars) == strlen(group.data),
                   "log group: give 1 to 512 of A-Z a-z 0-9 . - _ / #");
        check_name(settings, "shipper.log_stream", route.stream, stream.data,
                   !strpbrk(stream.data, ":*"),
                   "log stream: give 1 to 512 characters without : and *");
        if (!strncmp(group_pattern, "aws/", 4))
            settings_complain(settings, "shipper.log_group",
                              "\"%s\": names that begin with aws/ are reserved",
                              group_pattern);
    }
    buf_deinit(&group);
    buf_deinit(&stream);
}
