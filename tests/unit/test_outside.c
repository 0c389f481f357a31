/*
 * What answers of the world outside mean: STS's XML, secrets, buckets, and the
 * command lines of programs.
 */
#include "common/secret_text.h"
#include "shipper/object.h"
#include "shipper/secret_value.h"
#include "shipper/sts.h"
#include "tests/check.h"

#define XML(inside)                                                            \
    "<AssumeRoleResponse xmlns=\"x\"><AssumeRoleResult><Credentials>" inside   \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define KEYS                                                                   \
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t&amp;u&lt;"            \
    "</SessionToken><AccessKeyId>ASIA</AccessKeyId>"

static void
read_xml(struct sts_answer *answer, int status, const char *xml)
{
    sts_read(answer, status, (struct slice){xml, strlen(xml)});
}

static void
an_answer_of_sts_is_keys_or_a_code(void)
{
    static const char *const broken[] = {
        "", "<", "<html></html>", XML(KEYS),
        XML(KEYS "<Expiration>soon</Expiration>"),
        XML("<AccessKeyId>A</AccessKeyId>"
            "<Expiration>2026-01-02T04:04:05Z</Expiration>"),
        "<AccessKeyId>A"};
    struct sts_answer answer;

    read_xml(&answer, 200,
             XML(KEYS "<Expiration>2026-01-02T04:04:05Z</Expiration>"));
    CHECK_STR(answer.code, "");
    CHECK_STR(answer.access_key, "ASIA");
    CHECK_STR(answer.secret, "s");
    CHECK_STR(answer.token, "t&u<");
    CHECK_INT(answer.expires_ms, INT64_C(1767326645000));
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        read_xml(&answer, 200, broken[i]);
        CHECK_STR(answer.code, "UnreadableAnswer");
    }
    read_xml(&answer, 403, "<ErrorResponse><Error><Code>AccessDenied</Code>"
                           "<Message>no &apos;x&apos;</Message></Error>");
    CHECK_STR(answer.code, "AccessDenied");
    CHECK_STR(answer.message, "no 'x'");
    read_xml(&answer, 502, "<html>");
    CHECK_STR(answer.code, "HTTP502");
}

static void
check_password(const char *text, const char *value)
{
    char *got = secret_password((struct slice){text, strlen(text)},
                                "DB_PASSWORD");

    CHECK(!got == !value);
    if (got)
        CHECK_STR(got, value);
    secret_free(got);
}

static void
a_secret_is_itself_or_an_object_s_member(void)
{
    char *got;

    check_password("sesame", "sesame");
    check_password("sesame\n", "sesame");
    check_password("sesame\n\n", "sesame\n");
    check_password("123", "123");
    check_password("[1]", "[1]");
    check_password("\"x\"", "\"x\"");
    check_password("{\"password\":\"p\"}", "p");
    check_password("{\"DB_PASSWORD\":\"d\",\"password\":\"p\"}", "d");
    check_password("{\"user\":\"u\"}", NULL);
    check_password("", NULL);
    check_password("\n", NULL);
    got = secret_field(SLICE("{\"a\":{\"b\":1}}"), "a");
    CHECK_STR(got, "{\"b\":1}");
    secret_free(got);
    CHECK(!secret_field(SLICE("{\"a\":null}"), "a"));
    CHECK(!secret_field(SLICE("a"), "a"));
}

static void
a_bucket_has_a_name_that_hosts_can_have(void)
{
    static const char *const bad[] = {
        "",     "ab",        "a_b",        "Abc", "-abc", "abc-", ".abc",
        "abc.", "a..b",      "10.0.0.1",   "a/b", "a b",  "ä-b",
        "a234567890123456789012345678901234567890123456789012345678901234"};

    CHECK(object_bucket_ok("abc") && object_bucket_ok("a.b-c.9"));
    CHECK(object_bucket_ok("10.0.0.x"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(!object_bucket_ok(bad[i]));
}

int
main(void)
{
    an_answer_of_sts_is_keys_or_a_code();
    a_secret_is_itself_or_an_object_s_member();
    a_bucket_has_a_name_that_hosts_can_have();
    return 0;
}
