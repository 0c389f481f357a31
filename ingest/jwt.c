#include "ingest/jwt.h"

#include "ingest/jws.h"
#include "ingest/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_TEXT_MAX = 40 };

/* RFC 7519 section 4.1: a NumericDate is a number of seconds. */
#define DATE_MAX 9007199254740992.0 /* 2^53 */

#define JWT_VERDICT_ROW(name, text) [JWT_##name] = text,

static const char *const reasons[] = {JWT_VERDICTS(JWT_VERDICT_ROW)};

const char *
jwt_reason(enum jwt_verdict verdict)
{
    return reasons[verdict];
}

/* The claims that are looked at, as they stand in the payload. */
enum claim {
    CLAIM_ISS,
    CLAIM_SUB,
    CLAIM_AUD,
    CLAIM_CLIENT_ID,
    CLAIM_TOKEN_USE,
    CLAIM_EXP,
    CLAIM_NBF,
    CLAIM_IAT,
    CLAIM_GROUPS,
    CLAIMS
};

struct payload {
    bool has[CLAIMS];
    struct scan_value value[CLAIMS];
};

static bool
read_payload(struct payload *payload, struct slice text)
{
    static const char *const names[CLAIMS] = {
        [CLAIM_ISS] = "iss",
        [CLAIM_SUB] = "sub",
        [CLAIM_AUD] = "aud",
        [CLAIM_CLIENT_ID] = "client_id",
        [CLAIM_TOKEN_USE] = "token_use",
        [CLAIM_EXP] = "exp",
        [CLAIM_NBF] = "nbf",
        [CLAIM_IAT] = "iat",
        [CLAIM_GROUPS] = "cognito:groups",
    };
    struct scan_value document, value;
    struct slice name;
    struct scan scan;
    bool escaped;

    *payload = (struct payload){.has = {false}};
    if (scan_document(text, &document) != SCAN_FOUND ||
        document.kind != SCAN_OBJECT || document.odd ||
        scan_open(&scan, document.bytes) != SCAN_FOUND)
        return false;
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND) {
        for (size_t i = 0; i < CLAIMS; i++) {
            if (!slice_is(name, names[i]))
                continue;
            if (payload->has[i])
                return false; /* the scanner compares no more than 64 */
            payload->has[i] = true;
            payload->value[i] = value;
        }
    }
    return true;
}

/* A text claim; NULL data where it is none, or is written with escapes, which
 * none of these needs. */
static struct slice
text_of(const struct payload *payload, enum claim claim)
{
    const struct scan_value *value = &payload->value[claim];

    if (!payload->has[claim] || value->kind != SCAN_STRING || value->escaped)
        return (struct slice){NULL, 0};
    return scan_text(value);
}

/* Return: whether the claim is a date; *@ms is set only then. */
static bool
date_of(const struct payload *payload, enum claim claim, int64_t *ms)
{
    const struct scan_value *value = &payload->value[claim];
    char text[NUMBER_TEXT_MAX];
    double seconds;

    if (!payload->has[claim] || value->kind != SCAN_NUMBER ||
        value->bytes.len >= sizeof(text))
        return false;
    memcpy(text, value->bytes.data, value->bytes.len);
    text[value->bytes.len] = '\0';
    seconds = strtod(text, NULL);
    if (!(seconds >= 0 && seconds <= DATE_MAX))
        return false;
    *ms = seconds > 9e15 / 1000 ? INT64_MAX / 2 : (int64_t)(seconds * 1000);
    return true;
}

static bool
is_client(const struct jwt_rules *rules, struct slice id)
{
    for (size_t i = 0; id.len && i < rules->client_count; i++)
        if (slice_equal(id, rules->clients[i]))
            return true;
    return false;
}

/* RFC 7519 section 4.1.3: one text, or an array of which one has to match. */
static bool
audience_ok(const struct jwt_rules *rules, const struct payload *payload)
{
    const struct scan_value *aud = &payload->value[CLAIM_AUD];
    struct scan_value value;
    struct slice unused;
    struct scan scan;
    bool escaped, found = false;

    if (!payload->has[CLAIM_AUD] || aud->kind != SCAN_ARRAY)
        return is_client(rules, text_of(payload, CLAIM_AUD));
    if (scan_open(&scan, aud->bytes) != SCAN_FOUND)
        return false;
    while (scan_next(&scan, &unused, &escaped, &value) == SCAN_FOUND) {
        if (value.kind != SCAN_STRING)
            return false;
        if (!value.escaped && is_client(rules, scan_text(&value)))
            found = true;
    }
    return found;
}

/* An ID token names the app client as `aud`, an access token as `client_id`. */
static enum jwt_verdict
judge_client(const struct jwt_rules *rules, const struct payload *payload)
{
    struct slice use = text_of(payload, CLAIM_TOKEN_USE);

    if (rules->take_id && slice_is(use, "id"))
        return audience_ok(rules, payload) ? JWT_OK : JWT_AUDIENCE;
    if (rules->take_access && slice_is(use, "access"))
        return is_client(rules, text_of(payload, CLAIM_CLIENT_ID))
                   ? JWT_OK
                   : JWT_AUDIENCE;
    return JWT_TOKEN_USE;
}

/* The cheap claims, which an unverified token has to have right as well. */
static enum jwt_verdict
judge_cheap(const struct jwt_rules *rules, const struct payload *payload,
            int64_t now_ms, int64_t *expires_ms)
{
    enum jwt_verdict verdict;
    int64_t ms;

    if (!slice_is(text_of(payload, CLAIM_ISS), rules->issuer))
        return JWT_ISSUER;
    verdict = judge_client(rules, payload);
    if (verdict)
        return verdict;
    if (!date_of(payload, CLAIM_EXP, expires_ms))
        return JWT_PAYLOAD;
    if (now_ms >= *expires_ms + rules->skew_ms)
        return JWT_EXPIRED;
    for (enum claim claim = CLAIM_NBF; claim <= CLAIM_IAT; claim++) {
        if (!payload->has[claim])
            continue;
        if (!date_of(payload, claim, &ms))
            return JWT_PAYLOAD;
        if (now_ms < ms - rules->skew_ms)
            return JWT_NOT_YET_VALID;
    }
    return JWT_OK;
}

/* A text instead of an array is refused, so that no group is ever found
 * within another's name. */
static enum jwt_verdict
take_groups(struct jwt_claims *claims, const struct payload *payload)
{
    const struct scan_value *groups = &payload->value[CLAIM_GROUPS];
    struct scan_value value;
    struct slice name, text;
    struct scan scan;
    bool escaped;

    claims->groups_len = 0;
    if (!payload->has[CLAIM_GROUPS] || groups->kind == SCAN_NULL)
        return JWT_OK;
    if (groups->kind != SCAN_ARRAY ||
        scan_open(&scan, groups->bytes) != SCAN_FOUND)
        return JWT_GROUPS;
    while (scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND) {
        if (value.kind != SCAN_STRING)
            return JWT_GROUPS;
        text = scan_text(&value);
        if (value.escaped ||
            claims->groups_len + text.len + 1 > sizeof(claims->groups))
            continue; /* a group that nobody can ask for; it grants nothing */
        memcpy(claims->groups + claims->groups_len, text.data, text.len);
        claims->groups_len += text.len;
        claims->groups[claims->groups_len++] = '\0';
    }
    return JWT_OK;
}

static enum jwt_verdict
take_claims(struct jwt_claims *claims, const struct payload *payload)
{
    struct slice sub = text_of(payload, CLAIM_SUB);

    if (!sub.len || sub.len > JWT_SUB_MAX)
        return JWT_SUBJECT;
    memcpy(claims->sub, sub.data, sub.len);
    claims->sub_len = sub.len;
    return take_groups(claims, payload);
}

enum jwt_verdict
jwt_verify(const struct jwt_rules *rules, const struct jwks *jwks,
           struct slice token, int64_t now_ms, struct jwt_claims *claims)
{
    uint8_t bytes[JWT_TOKEN_MAX];
    const struct jwks_key *key = NULL;
    enum jwt_verdict verdict, cheap;
    struct payload payload;
    struct jws jws;
    ssize_t len;

    verdict = jws_parse(&jws, token);
    if (verdict)
        return verdict;
    if (!jws.kid_len)
        return JWT_HEADER;
    if (jwks)
        key = jwks_find(jwks, (struct slice){jws.kid, jws.kid_len});
    if (key &&
        !jwks_verify(key, jws.signed_part, jws.signature, jws.signature_len))
        return JWT_SIGNATURE;

    len = jws_payload(&jws, bytes);
    if (len < 0 ||
        !read_payload(&payload, (struct slice){(char *)bytes, (size_t)len}))
        return JWT_PAYLOAD;
    cheap = judge_cheap(rules, &payload, now_ms, &claims->expires_ms);
    if (cheap)
        return cheap;
    if (!key)
        return jwks ? JWT_UNKNOWN_KEY : JWT_NO_KEYS;
    memcpy(claims->key, jwks_print(key), sizeof(claims->key));
    return take_claims(claims, &payload);
}

bool
jwt_in_group(const char *groups, size_t len, const char *group)
{
    size_t wanted = strlen(group) + 1;

    for (size_t at = 0; at < len; at += strlen(groups + at) + 1)
        if (at + wanted <= len && !memcmp(groups + at, group, wanted))
            return true;
    return false;
}
