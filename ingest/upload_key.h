#pragma once

#include "common/sigv4.h"

#include <stdint.h>

struct cJSON;

/*
 * What the broker gave to sign uploads with (docs/broker.md, upload_key): a
 * derived key for today and one for tomorrow.  No secret of AWS's is in it;
 * what is, is wiped when it is freed.
 */
enum { UPLOAD_KEY_DAYS = 2 };

struct upload_key_day {
    char day[9]; /* 20261125, UTC */
    unsigned char key[SIGV4_KEY_SIZE];
};

struct upload_key {
    char *bucket, *region;
    char *base; /* URL in front of "/" and an object's key */
    char *access_key;
    char *token;        /* NULL: none is needed */
    int64_t expires_ms; /* of the credentials, by AWS's clock; 0: never */
    int64_t clock_offset_ms;
    struct upload_key_day days[UPLOAD_KEY_DAYS];
};

/** upload_key_read(): an answer, or NULL where it is none. */
struct upload_key *upload_key_read(const struct cJSON *answer);
void upload_key_free(struct upload_key *key);

/** upload_key_for(): the key of the day of @now_ms; NULL where there is none
 * any more, or the credentials have expired. */
const unsigned char *upload_key_for(const struct upload_key *key,
                                    int64_t now_ms);
