/*
 * Where the service is: whose word counts, and which URLs will do.
 */
#include "common/settings.h"
#include "shipper/endpoint.h"
#include "tests/check.h"

struct set {
    const char *name, *value;
};

/* The host that @environment leads to; "" where it is refused. */
static void
check_host(const struct set *environment, const char *host, bool plain)
{
    struct settings settings;
    struct endpoint endpoint;
    char why[ENDPOINT_WHY_MAX] = "";

    CHECK(!clearenv());
    for (; environment->name; environment++)
        CHECK(!setenv(environment->name, environment->value, 1));
    CHECK(!settings_load(&settings, "/dev/null", true));
    if (endpoint_find(&endpoint, &settings, "logs", why)) {
        CHECK_STR(endpoint.host, host);
        CHECK_INT(endpoint.plain, plain);
    } else {
        CHECK_STR("", host);
        CHECK(*why);
    }
    settings_free(&settings);
}

#define HOST(host, ...)                                                        \
    check_host((const struct set[]){__VA_ARGS__{NULL, NULL}}, host, false)

static void
the_region_makes_the_host(void)
{
    HOST("logs.ap-southeast-1.amazonaws.com", );
    HOST("logs.eu-west-1.amazonaws.com", {"AWS_REGION", "eu-west-1"},
         {"AWS_DEFAULT_REGION", "eu-west-2"}, );
    HOST("logs.eu-west-2.amazonaws.com", {"AWS_REGION", ""},
         {"AWS_DEFAULT_REGION", "eu-west-2"}, );
    HOST("logs.us-east-1.amazonaws.com", {"AWS_REGION", "eu-west-1"},
         {"CLICKSPOOL_AWS_REGION", "us-east-1"}, );
    HOST("logs.cn-north-1.amazonaws.com.cn", {"AWS_REGION", "cn-north-1"}, );
    HOST("", {"AWS_REGION", "evil.example/"}, );
    HOST("", {"AWS_REGION", "-x"}, );
}

static void
the_nearest_word_for_the_endpoint_counts(void)
{
    const struct set ours = {"CLICKSPOOL_AWS_ENDPOINT_URL", "https://ours"};
    const struct set logs = {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
                             "https://logs"};
    const struct set all = {"AWS_ENDPOINT_URL", "https://all"};
    const struct set ignore = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"};

    HOST("ours", ours, logs, all, );
    HOST("logs", logs, all, );
    HOST("all", {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", ""}, all, );
    HOST("logs.ap-southeast-1.amazonaws.com", logs, all, ignore, );
    HOST("ours", ours, logs, all, ignore, );
}

static void
urls_are_read_strictly(void)
{
    static const struct {
        const char *url, *host; /* NULL: refused */
        bool plain;
    } rows[] = {
        {"https://logs.example.com", "logs.example.com", false},
        {"HTTPS://logs.example.com/", "logs.example.com", false},
        {"https://logs.example.com:443", "logs.example.com", false},
        {"https://logs.example.com:8443/", "logs.example.com:8443", false},
        {"https://[2001:db8::1]:8443", "[2001:db8::1]:8443", false},
        {"https://[2001:db8::1]", "[2001:db8::1]", false},
        {"http://127.0.0.1:4566", "127.0.0.1:4566", true},
        {"http://127.9.9.9", "127.9.9.9", true},
        {"http://localhost:80/", "localhost", true},
        {"http://localhost:443", "localhost:443", true},
        {"http://[::1]:5000", "[::1]:5000", true},
        {"http://logs.example.com", NULL, true},
        {"http://128.0.0.1", NULL, true},
        {"http://[::2]", NULL, true},
        {"http://127.0.0.1.example.com", NULL, true},
        {"ftp://logs.example.com", NULL, false},
        {"logs.example.com", NULL, false},
        {"https://", NULL, false},
        {"https://:443", NULL, false},
        {"https://logs.example.com:", NULL, false},
        {"https://logs.example.com:0", NULL, false},
        {"https://logs.example.com:65536", NULL, false},
        {"https://logs.example.com:44x", NULL, false},
        {"https://me@logs.example.com", NULL, false},
        {"https://logs.example.com/path", NULL, false},
        {"https://logs.example.com?query", NULL, false},
        {"https://logs example.com", NULL, false},
        {"https://[::1", NULL, false},
        {"https://[::1]x", NULL, false},
        {"https://[::g]", NULL, false},
        {"https://a:1:2", NULL, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint endpoint;
        char why[ENDPOINT_WHY_MAX] = "";

        fprintf(stderr, "%s\n", rows[i].url);
        CHECK_INT(endpoint_parse(&endpoint, rows[i].url, why),
                  rows[i].host != NULL);
        if (rows[i].host) {
            CHECK_STR(endpoint.host, rows[i].host);
            CHECK_INT(endpoint.plain, rows[i].plain);
        } else {
            CHECK(*why);
        }
    }
}

int
main(void)
{
    the_region_makes_the_host();
    the_nearest_word_for_the_endpoint_counts();
    urls_are_read_strictly();
    return 0;
}
