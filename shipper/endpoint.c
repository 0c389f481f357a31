#include "shipper/endpoint.h"

#include "common/settings.h"
#include "common/slice.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static bool
is_port(struct slice text)
{
    unsigned port = 0;

    if (!text.len || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i]))
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

static bool
is_host_name(struct slice host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.data[i]) && host.data[i] != '-' &&
            host.data[i] != '.')
            return false;
    return host.len && host.len <= 253;
}

/* "[ADDRESS]", with the brackets. */
static bool
is_ipv6(struct slice host, struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len < 4 || host.len - 2 >= sizeof(text) || *host.data != '[' ||
        host.data[host.len - 1] != ']')
        return false;
    memcpy(text, host.data + 1, host.len - 2);
    text[host.len - 2] = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

static bool
is_loopback(struct slice host)
{
    struct in6_addr six;
    struct in_addr four;
    char text[INET_ADDRSTRLEN];

    if (slice_is_nocase(host, "localhost"))
        return true;
    if (is_ipv6(host, &six))
        return IN6_IS_ADDR_LOOPBACK(&six);
    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET, text, &four) == 1 &&
           ntohl(four.s_addr) >> 24 == 127;
}

/* The host of "HOST[:PORT]", with its brackets; *@port has NULL data without
 * a port. */
static struct slice
split_port(struct slice authority, struct slice *port)
{
    size_t from = 0;

    if (authority.len && *authority.data == '[') {
        const char *end = memchr(authority.data, ']', authority.len);

        from = end ? (size_t)(end - authority.data) : 0;
    }
    struct slice rest = {authority.data + from, authority.len - from};
    struct slice tail = slice_split(rest, ':', port);

    return (struct slice){authority.data, from + tail.len};
}

static bool
refuse(char why[ENDPOINT_WHY_MAX], const char *text)
{
    (void)snprintf(why, ENDPOINT_WHY_MAX, "%s", text);
    return false;
}

bool
endpoint_parse(struct endpoint *endpoint, const char *url,
               char why[ENDPOINT_WHY_MAX])
{
    struct slice authority, host, port, path;
    struct in6_addr address;
    bool usual_port;

    endpoint->plain = !strncasecmp(url, "http://", 7);
    if (!endpoint->plain && strncasecmp(url, "https://", 8))
        return refuse(why, "an URL begins with https:// (or, for a loopback "
                           "address, http://)");
    url += endpoint->plain ? 7 : 8;
    authority = slice_split((struct slice){url, strlen(url)}, '/', &path);
    if (path.len)
        return refuse(why, "the URL of an endpoint has no path");

    host = split_port(authority, &port);
    if (!is_host_name(host) && !is_ipv6(host, &address))
        return refuse(why, "an URL has a host name or an address, and no "
                           "more than a port behind it");
    if (port.data && !is_port(port))
        return refuse(why, "a port is a number from 1 to 65535");
    if (endpoint->plain && !is_loopback(host))
        return refuse(why, "plain http is for loopback addresses alone: "
                           "use https://");

    usual_port = slice_is(port, endpoint->plain ? "80" : "443");
    (void)snprintf(endpoint->host, sizeof(endpoint->host), "%.*s",
                   (int)(usual_port ? host.len : authority.len), host.data);
    return true;
}

const char *
endpoint_region(const struct settings *settings)
{
    const char *region = env("AWS_REGION");

    if (!region)
        region = env("AWS_DEFAULT_REGION");
    return region && settings_is_default(settings, "aws.region")
               ? region
               : settings->aws.region;
}

/* The service's name in the names of variables. */
static const char *
variable_of(const char *service)
{
    static const struct {
        const char *service, *variable;
    } names[] = {{"logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"},
                 {"s3", "AWS_ENDPOINT_URL_S3"},
                 {"secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"},
                 {"sts", "AWS_ENDPOINT_URL_STS"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i].service, service))
            return names[i].variable;
    return NULL;
}

static const char *
url_of(const struct settings *settings, const char *service)
{
    const char *variable = variable_of(service), *url = NULL;
    const char *ignored = env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

    if (*settings->aws.endpoint_url)
        return settings->aws.endpoint_url;
    if (ignored && !strcasecmp(ignored, "true"))
        return NULL;
    if (variable)
        url = env(variable);
    return url ? url : env("AWS_ENDPOINT_URL");
}

/* A region becomes part of a host name, so it is nothing but a label. */
static bool
is_region(const char *region)
{
    size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len && len <= 32 && !region[len] && *region != '-';
}

bool
endpoint_find(struct endpoint *endpoint, const struct settings *settings,
              const char *service, char why[ENDPOINT_WHY_MAX])
{
    const char *url = url_of(settings, service);
    const char *region = endpoint_region(settings);
    bool china = !strncmp(region, "cn-", 3);

    if (!is_region(region))
        return refuse(why, "a region is a word like ap-southeast-1");
    endpoint->own = !url;
    if (url)
        return endpoint_parse(endpoint, url, why);
    endpoint->plain = false;
    (void)snprintf(endpoint->host, sizeof(endpoint->host),
                   "%s.%s.amazonaws.com%s", service, region,
                   china ? ".cn" : "");
    return true;
}
