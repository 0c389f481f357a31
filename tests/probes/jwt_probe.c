/*
 * jwt_probe JWKS.json TOKEN: exits 0 where the token is RS256-signed by a key
 * of the set, 1 where it is not, 2 where the set cannot be read.  Claims are
 * not judged.  A token that names no key is held against a set of one.
 */
#include "common/fileio.h"
#include "ingest/jws.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { SET_MAX = 1024 * 1024 };

static int
verify(const struct jwks *jwks, const char *token)
{
    const struct jwks_key *key;
    struct jws jws;
    enum jwt_verdict verdict;

    verdict = jws_parse(&jws, (struct slice){token, strlen(token)});
    if (verdict) {
        (void)printf("%s\n", jwt_reason(verdict));
        return 1;
    }
    key = jws.kid_len ? jwks_find(jwks, (struct slice){jws.kid, jws.kid_len})
                      : jwks_only(jwks);
    if (!key) {
        (void)printf("%s\n", jwt_reason(JWT_UNKNOWN_KEY));
        return 1;
    }
    if (!jwks_verify(key, jws.signed_part, jws.signature, jws.signature_len)) {
        (void)printf("%s\n", jwt_reason(JWT_SIGNATURE));
        return 1;
    }
    (void)printf("ok\n");
    return 0;
}

int
main(int argc, char **argv)
{
    struct jwks *jwks = NULL;
    char *text = NULL;
    size_t len;
    int r, code = 2;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: jwt_probe JWKS.json TOKEN\n");
        return 2;
    }
    r = fileio_read_all(AT_FDCWD, argv[1], SET_MAX, &text, &len);
    if (!r)
        r = jwks_parse(&jwks, (struct slice){text, len});
    if (r)
        (void)fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
    else
        code = verify(jwks, argv[2]);
    jwks_release(jwks);
    free(text);
    return code;
}
