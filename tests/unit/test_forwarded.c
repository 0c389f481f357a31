/*
 * Who the client is behind trusted proxies, and which origins may send: what
 * a stranger writes himself is never believed.
 */
#include "ingest/forwarded.h"

#include "common/settings.h"
#include "ingest/cors.h"
#include "ingest/request.h"
#include "tests/check.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static struct slice
slice(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static struct forwarded
load(const char *proxies, const char *header)
{
    struct settings settings = {0};
    struct forwarded forwarded;

    settings.http.trusted_proxies = (char *)(uintptr_t)proxies;
    settings.http.client_ip_header = (char *)(uintptr_t)header;
    CHECK_INT(forwarded_load(&forwarded, &settings), 0);
    CHECK_INT(settings.errors, 0);
    return forwarded;
}

/* @fields: "name: value" lines between newlines */
static struct forwarded_client
judge(const struct forwarded *forwarded, const char *peer, const char *fields,
      char ip[INET6_ADDRSTRLEN])
{
    static struct request_head head;
    struct ip from = ip_parse(slice(peer));
    struct slice rest = slice(fields), line, value;
    struct forwarded_client client;

    head.field_count = 0;
    while (rest.len) {
        line = slice_split(rest, '\n', &rest);
        head.fields[head.field_count].name = slice_split(line, ':', &value);
        head.fields[head.field_count++].value = slice_trim(value);
    }
    client = forwarded_judge(forwarded, &from, &head);
    ip_print(&client.ip, ip);
    return client;
}

static void
the_rightmost_hop_that_is_no_proxy_is_the_client(void)
{
    static const struct {
        const char *peer, *fields, *client;
    } rows[] = {
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4", "1.2.3.4"},
        /* what stands left of it anybody may have written */
        {"10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4", "1.2.3.4"},
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4, 10.0.0.2,10.9.9.9",
         "1.2.3.4"},
        {"10.0.0.1", "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 1.2.3.4",
         "1.2.3.4"},
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 10.0.0.2",
         "1.2.3.4"},
        {"10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2", "10.0.0.3"},
        /* what is no address ends the walk */
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4, unknown", "10.0.0.1"},
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4, , 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "X-Forwarded-For:", "10.0.0.1"},
        {"10.0.0.1", "X-Forwarded-For: 1.2.3.4:5678", "1.2.3.4"},
        {"10.0.0.1", "X-Forwarded-For: [2001:db8::1]:5678", "2001:db8::1"},
        {"10.0.0.1", "X-Forwarded-For: 2001:db8::1, 2001:db8:f::1",
         "2001:db8::1"},
        {"2001:db8:f::9", "x-forwarded-for: 1.2.3.4", "1.2.3.4"},
        {"::ffff:10.0.0.1", "X-Forwarded-For: 1.2.3.4", "1.2.3.4"},
        /* strangers */
        {"1.1.1.1", "X-Forwarded-For: 1.2.3.4", "1.1.1.1"},
        {"11.0.0.1", "X-Forwarded-For: 1.2.3.4", "11.0.0.1"},
        {"2001:db8:10::1", "X-Forwarded-For: 1.2.3.4", "2001:db8:10::1"},
    };
    struct forwarded forwarded = load("10.0.0.0/8 2001:db8:f::/48", "");

    for (size_t i = 0; i < ROWS(rows); i++) {
        char ip[INET6_ADDRSTRLEN];

        (void)judge(&forwarded, rows[i].peer, rows[i].fields, ip);
        CHECK_STR(ip, rows[i].client);
    }
    forwarded_deinit(&forwarded);
}

static void
a_long_list_ends_the_walk(void)
{
    struct forwarded forwarded = load("10.0.0.0/8", "");
    char fields[2048] = "X-Forwarded-For: 1.2.3.4", ip[INET6_ADDRSTRLEN];

    for (int i = 0; i < 100; i++)
        (void)strcat(fields, ",10.0.0.7");
    (void)judge(&forwarded, "10.0.0.1", fields, ip);
    CHECK_STR(ip, "10.0.0.7");
    forwarded_deinit(&forwarded);
}

static void
a_strangers_word_is_ignored_and_that_is_told(void)
{
    struct forwarded forwarded = load("10.0.0.0/8", "X-Viewer");
    struct forwarded_client client;
    char ip[INET6_ADDRSTRLEN];

    client = judge(&forwarded, "1.1.1.1", "X-Forwarded-Host: evil", ip);
    CHECK(client.ignored && !client.host.data);
    client = judge(&forwarded, "1.1.1.1", "X-Viewer: 6.6.6.6", ip);
    CHECK(client.ignored);
    CHECK_STR(ip, "1.1.1.1");
    client = judge(&forwarded, "1.1.1.1", "Accept: a", ip);
    CHECK(!client.ignored);
    client = judge(&forwarded, "10.1.1.1", "X-Forwarded-Host: shop", ip);
    CHECK(!client.ignored && slice_is(client.host, "shop"));
    /* a Unix socket has no address; its mode decides who may write to it */
    client = judge(&forwarded, NULL, "X-Forwarded-For: 1.2.3.4", ip);
    CHECK(!client.ignored);
    CHECK_STR(ip, "1.2.3.4");
    forwarded_deinit(&forwarded);
}

static void
the_named_header_wins_where_it_is_an_address(void)
{
    struct forwarded forwarded = load("10.0.0.0/8", "X-Viewer");
    char ip[INET6_ADDRSTRLEN];

    (void)judge(&forwarded, "10.0.0.1",
                "X-Forwarded-For: 1.2.3.4\nx-viewer: 5.6.7.8:9", ip);
    CHECK_STR(ip, "5.6.7.8");
    (void)judge(&forwarded, "10.0.0.1",
                "X-Viewer: 2001:db8:0:0:0:0:0:1:443", ip);
    CHECK_STR(ip, "2001:db8::1");
    (void)judge(&forwarded, "10.0.0.1",
                "X-Forwarded-For: 1.2.3.4\nX-Viewer: nobody", ip);
    CHECK_STR(ip, "1.2.3.4");
    forwarded_deinit(&forwarded);
}

static void
bits_that_end_within_a_byte_are_counted(void)
{
    struct forwarded forwarded = load("192.168.16.0/20 0.0.0.1/32", "");
    char ip[INET6_ADDRSTRLEN];

    CHECK(judge(&forwarded, "192.168.15.255", "X-Forwarded-Host: a", ip)
              .ignored);
    CHECK(!judge(&forwarded, "192.168.16.0", "X-Forwarded-Host: a", ip)
               .ignored);
    CHECK(!judge(&forwarded, "192.168.31.255", "X-Forwarded-Host: a", ip)
               .ignored);
    CHECK(judge(&forwarded, "192.168.32.0", "X-Forwarded-Host: a", ip)
              .ignored);
    forwarded_deinit(&forwarded);
    forwarded = load("0.0.0.0/0", "");
    CHECK(!judge(&forwarded, "9.9.9.9", "X-Forwarded-Host: a", ip).ignored);
    CHECK(judge(&forwarded, "2001::1", "X-Forwarded-Host: a", ip).ignored);
    forwarded_deinit(&forwarded);
}

static void
addresses_are_read_strictly(void)
{
    static const char *const texts[] = {
        "", "a", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/8",
        "[1.2.3.4", "::1::", "1:2:3", "[::1", "2001:db8::g", "1.2.3.4 5",
        "[::1]x", "[::1]:", "[::1]:x", "1.2.3.4:", "1.2.3.4:x",
        "fe80::1%eth0", "1:2:3:4:5:6:7:8:9:10",
    };

    for (size_t i = 0; i < ROWS(texts); i++) {
        if (ip_parse(slice(texts[i])).known)
            CHECK_STR("taken", texts[i]);
    }
}

static void
a_network_hides_the_host(void)
{
    char text[INET6_ADDRSTRLEN];
    struct ip ip = ip_parse(SLICE("203.0.113.77"));

    ip = ip_network(&ip);
    ip_print(&ip, text);
    CHECK_STR(text, "203.0.113.0");
    ip = ip_parse(SLICE("2001:db8:1:2:3:4:5:6"));
    ip = ip_network(&ip);
    ip_print(&ip, text);
    CHECK_STR(text, "2001:db8:1::");
    ip = (struct ip){0};
    ip_print(&ip, text);
    CHECK_STR(text, "");
}

static void
addresses_are_printed_as_they_are_written(void)
{
    char ours[INET6_ADDRSTRLEN], theirs[INET6_ADDRSTRLEN];
    static const char *const v6[] = {"::", "::1", "2001:db8::1:0:0:1"};
    struct ip unknown = {0}, ip;

    for (int i = 0; i < 256; i++) {
        (void)snprintf(theirs, sizeof(theirs), "%d.0.9.%d", i, 255 - i);
        ip = ip_parse(slice(theirs));
        ip_print(&ip, ours);
        CHECK_STR(ours, theirs);
    }
    for (size_t i = 0; i < ROWS(v6); i++) {
        ip = ip_parse(slice(v6[i]));
        ip_print(&ip, ours);
        CHECK_STR(ours, v6[i]);
    }
    ip_print(&unknown, ours);
    CHECK_STR(ours, "");
}

static void
only_listed_origins_and_the_shops_own_may_send(void)
{
    static const struct {
        const char *origins, *origin, *host, *forwarded, *site;
        bool may;
        const char *allow;
    } rows[] = {
        {"https://a", "https://a", "x", NULL, NULL, true, "https://a"},
        {"https://a https://b:8", "https://b:8", "x", NULL, NULL, true,
         "https://b:8"},
        {"https://a", "https://A", "x", NULL, NULL, false, NULL},
        {"https://a", "http://a", "x", NULL, NULL, false, NULL},
        {"https://a", "https://a:443", "x", NULL, NULL, false, NULL},
        {"https://a", "https://a.evil", "x", NULL, NULL, false, NULL},
        {"https://a", "https://evil/https://a", "x", NULL, NULL, false, NULL},
        {"https://a", "null", "x", NULL, NULL, false, NULL},
        {"https://a", "null", "null", NULL, NULL, false, NULL},
        {"https://a", "", "x", NULL, NULL, false, NULL},
        {"https://a", NULL, "x", NULL, NULL, true, NULL},
        {"https://a", "https://X", "x", NULL, NULL, true, NULL},
        {"https://a", "https://y", "x", "y", NULL, true, NULL},
        {"https://a", "https://y", "x", NULL, "same-origin", true, NULL},
        {"https://a", "https://y", "x", NULL, "same-site", false, NULL},
        {"https://a", "https://y", "x", NULL, "cross-site", false, NULL},
        {"*", "https://y", "x", NULL, NULL, true, "*"},
        {"* https://y", "https://y", "x", NULL, NULL, true, "https://y"},
        {"", "https://y", "x", NULL, NULL, true, NULL},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct settings settings = {.quiet = true};
        struct cors_request request = {
            slice(rows[i].origin), slice(rows[i].host),
            slice(rows[i].forwarded), slice(rows[i].site)};
        const char *allow = "unset";
        struct cors cors;

        settings.cors.origins = (char *)(uintptr_t)rows[i].origins;
        CHECK_INT(cors_load(&cors, &settings), 0);
        CHECK_INT(settings.errors, 0);
        if (cors_judge(&cors, &request, &allow) != rows[i].may)
            CHECK_STR(rows[i].may ? "refused" : "taken", rows[i].origin);
        CHECK(rows[i].allow ? allow && !strcmp(allow, rows[i].allow)
                            : !allow);
        cors_deinit(&cors);
    }
}

int
main(void)
{
    the_rightmost_hop_that_is_no_proxy_is_the_client();
    a_long_list_ends_the_walk();
    a_strangers_word_is_ignored_and_that_is_told();
    the_named_header_wins_where_it_is_an_address();
    bits_that_end_within_a_byte_are_counted();
    addresses_are_read_strictly();
    a_network_hides_the_host();
    addresses_are_printed_as_they_are_written();
    only_listed_origins_and_the_shops_own_may_send();
    return 0;
}
