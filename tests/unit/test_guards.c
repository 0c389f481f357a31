/*
 * Buckets and counts by address, tokens by their hash, and seals: what cannot
 * be seen from outside.
 */
#include "common/buf.h"
#include "ingest/base64url.h"
#include "ingest/jwks.h"
#include "ingest/jwt.h"
#include "ingest/peers.h"
#include "ingest/rate.h"
#include "ingest/token_cache.h"
#include "ingest/upload_seal.h"
#include "tests/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t key[16] = {1, 2, 3};

static struct ip
address(const char *text)
{
    return ip_parse((struct slice){text, strlen(text)});
}

static void
a_bucket_empties_and_fills_with_time(void)
{
    struct rate *rate = rate_new(64, key);
    struct ip a = address("203.0.113.1"), b = address("203.0.113.2");
    struct ip socket = {.known = false};

    for (int i = 0; i < 3; i++)
        CHECK(rate_take(rate, &a, 2, 3, 1000));
    CHECK(!rate_take(rate, &a, 2, 3, 1000));
    CHECK(!rate_take(rate, &a, 2, 3, 1400));
    CHECK(rate_take(rate, &a, 2, 3, 1600));
    CHECK(!rate_take(rate, &a, 2, 3, 1600));
    CHECK(!rate_take(rate, &a, 2, 3, 100)); /* the clock went back */
    CHECK(rate_take(rate, &b, 2, 3, 1600));
    for (int i = 0; i < 3; i++)
        CHECK(rate_take(rate, &a, 2, 3, 1000000));
    CHECK(!rate_take(rate, &a, 2, 3, 1000000));
    for (int i = 0; i < 100; i++)
        CHECK(rate_take(rate, &socket, 2, 3, 0));
    rate_free(rate);
}

static void
who_is_limited_stays_so_in_a_full_table(void)
{
    struct rate *rate = rate_new(RATE_WAYS, key); /* one set */
    struct ip bad = address("203.0.113.1"), other;
    char text[32];

    while (rate_take(rate, &bad, 1, 5, 1000))
        continue;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof(text), "198.51.100.%d", i);
        other = address(text);
        CHECK(rate_take(rate, &other, 1, 5, 1000));
        CHECK(!rate_take(rate, &bad, 1, 5, 1000));
    }
    rate_free(rate);
}

static void
a_network_of_ipv6_is_one_address(void)
{
    struct rate *rate = rate_new(1024, key);
    struct peers *peers = peers_new(key);
    struct ip a = address("2001:db8:1:2::1"), b = address("2001:db8:1:2::9");
    struct ip c = address("2001:db8:1:3::1");

    CHECK(rate_take(rate, &a, 1, 1, 0));
    CHECK(!rate_take(rate, &b, 1, 1, 0));
    CHECK(rate_take(rate, &c, 1, 1, 0));
    CHECK_INT(peers_add(peers, &a), 1);
    CHECK_INT(peers_add(peers, &b), 2);
    CHECK_INT(peers_add(peers, &c), 1);
    peers_remove(peers, &a);
    CHECK_INT(peers_add(peers, &b), 2);
    peers_free(peers);
    rate_free(rate);
}

static const struct token *
put_token(struct token_cache *cache, const char *text, int64_t expires_ms,
          int64_t now_ms)
{
    struct jwt_claims claims = {.expires_ms = expires_ms, .sub_len = 2};
    struct token_hash hash;

    memcpy(claims.sub, "u1", 2);
    CHECK(!token_cache_find(cache, (struct slice){text, strlen(text)}, now_ms,
                            &hash));
    return token_cache_add(cache, &hash, &claims, 60, now_ms);
}

static const struct token *
find_token(struct token_cache *cache, const char *text, int64_t now_ms)
{
    struct token_hash hash;

    return token_cache_find(cache, (struct slice){text, strlen(text)}, now_ms,
                            &hash);
}

static void
a_token_is_known_until_it_expires(void)
{
    struct token_cache *cache = token_cache_new();
    const struct token *held;

    held = token_hold(put_token(cache, "a.b.c", 1000, 0));
    CHECK(find_token(cache, "a.b.c", 1059) == held);
    CHECK(!find_token(cache, "a.b.d", 0));
    CHECK(!find_token(cache, "a.b.c", 1060));
    CHECK_INT(token_cache_count(cache), 0);
    CHECK_STR(held->sub, "u1"); /* whoever holds it has it */
    token_release(held);

    (void)put_token(cache, "x", 5000, 0);
    token_cache_clear(cache);
    CHECK(!find_token(cache, "x", 0));
    token_cache_free(cache);
}

static void
the_oldest_token_gives_way(void)
{
    struct token_cache *cache = token_cache_new();
    char text[24];

    for (int i = 0; i < TOKEN_CACHE_MAX + 10; i++) {
        (void)snprintf(text, sizeof(text), "t%d", i);
        (void)put_token(cache, text, 1000000, 0);
    }
    CHECK_INT(token_cache_count(cache), TOKEN_CACHE_MAX);
    CHECK(!find_token(cache, "t9", 0));
    CHECK(find_token(cache, "t10", 0));
    token_cache_free(cache);
}

static void
a_seal_opens_for_its_key_alone(void)
{
    struct upload made = {.expires_ms = 77, .size = 1234, .id = {9}}, got;
    char folder[] = "seal-XXXXXX", other[] = "seal-XXXXXX";
    struct upload_seal *seal, *again, *foreign;
    struct buf id;
    int fd, fd2;

    CHECK(mkdtemp(folder) && mkdtemp(other));
    fd = open(folder, O_RDONLY | O_DIRECTORY);
    fd2 = open(other, O_RDONLY | O_DIRECTORY);
    CHECK(!upload_seal_new(&seal, fd) && !upload_seal_new(&again, fd));
    CHECK(!upload_seal_new(&foreign, fd2));
    (void)strcpy(made.sub, "u-1");
    (void)strcpy(made.key, "products/u-1/x.png");
    (void)strcpy(made.type, "image/png");
    buf_init(&id, UPLOAD_SEAL_MAX);
    CHECK(!upload_seal_close(seal, &made, &id));

    CHECK(!upload_seal_open(again, (struct slice){id.data, id.len}, &got));
    CHECK(!memcmp(&got, &made, sizeof(got)) || !strcmp(got.key, made.key));
    CHECK_INT(got.size, 1234);
    CHECK_INT(got.expires_ms, 77);
    CHECK_STR(got.sub, "u-1");
    CHECK_STR(got.sha256, "");
    CHECK(upload_seal_open(foreign, (struct slice){id.data, id.len}, &got));
    for (size_t len = 0; len < id.len; len++)
        CHECK(upload_seal_open(seal, (struct slice){id.data, len}, &got));
    for (size_t bit = 0; bit < 6 * id.len; bit++) {
        uint8_t bytes[UPLOAD_SEAL_MAX];
        char text[UPLOAD_SEAL_MAX];
        ssize_t n = base64url_decode(bytes, (struct slice){id.data, id.len});

        if (bit / 8 >= (size_t)n)
            break;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        base64url_encode(text, bytes, (size_t)n);
        CHECK(upload_seal_open(seal, (struct slice){text, id.len}, &got));
    }

    CHECK(!unlinkat(fd, "seal.key", 0) && !unlinkat(fd2, "seal.key", 0));
    CHECK(!rmdir(folder) && !rmdir(other));
    buf_deinit(&id);
    upload_seal_free(seal);
    upload_seal_free(again);
    upload_seal_free(foreign);
    (void)close(fd);
    (void)close(fd2);
}

static void
base64url_is_read_to_the_letter(void)
{
    static const char *const bad[] = {"A", "AAAAA", "AB", "AAB", "AA=", "AA==",
                                      "A+", "A/", "A A", "AA\n", "=", "?"};
    uint8_t bytes[64];
    char text[64];

    CHECK_INT(base64url_decode(bytes, SLICE("")), 0);
    CHECK_INT(base64url_decode(bytes, SLICE("AQAB")), 3);
    CHECK(!memcmp(bytes, "\1\0\1", 3));
    CHECK_INT(base64url_decode(bytes, SLICE("_-8")), 2);
    CHECK(!memcmp(bytes, "\xff\xef", 2));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(base64url_decode(bytes, (struct slice){bad[i], strlen(bad[i])}) <
              0);
    for (size_t len = 0; len < 40; len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(i * 37 + len);
        base64url_encode(text, bytes, len);
        CHECK_INT(base64url_decode(
                      bytes, (struct slice){text, BASE64URL_ENCODED(len)}),
                  len);
        for (size_t i = 0; i < len; i++)
            CHECK_INT(bytes[i], (uint8_t)(i * 37 + len));
    }
}

static void
a_group_is_a_whole_name(void)
{
    static const char groups[] = "staff\0xadminx\0admin";

    CHECK(jwt_in_group(groups, sizeof(groups), "admin"));
    CHECK(jwt_in_group(groups, sizeof(groups), "staff"));
    CHECK(!jwt_in_group(groups, sizeof(groups), "adm"));
    CHECK(!jwt_in_group(groups, sizeof(groups), "min"));
    CHECK(!jwt_in_group(groups, 13, "admin"));
    CHECK(!jwt_in_group(groups, 0, "staff"));
}

int
main(void)
{
    a_bucket_empties_and_fills_with_time();
    who_is_limited_stays_so_in_a_full_table();
    a_network_of_ipv6_is_one_address();
    a_token_is_known_until_it_expires();
    the_oldest_token_gives_way();
    a_seal_opens_for_its_key_alone();
    base64url_is_read_to_the_letter();
    a_group_is_a_whole_name();
    return 0;
}
