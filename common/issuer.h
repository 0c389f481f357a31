#pragma once

struct settings;

/*
 * Who issues the tokens that are taken, and where its keys are: [auth]
 * user_pool_id names a Cognito pool, `issuer` and `jwks_url` replace what
 * follows from it.  A token's `iss` is compared with the issuer byte for byte.
 */
enum { ISSUER_URL_MAX = 512 };

struct issuer {
    char name[ISSUER_URL_MAX];     /* "": none is configured */
    char jwks_url[ISSUER_URL_MAX]; /* of its key set */
};

/** issuer_find(): from settings that issuer_check() is content with. */
void issuer_find(struct issuer *issuer, const struct settings *settings);

/** issuer_check(): settings_complain()s. */
void issuer_check(struct settings *settings);
