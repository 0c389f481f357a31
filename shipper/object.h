#pragma once

#include "shipper/aws_sign.h"
#include "shipper/endpoint.h"
#include "shipper/http.h"

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct settings;

/*
 * Objects of S3: where a bucket is, and what is known of one object (HEAD,
 * signed with the credentials of [aws]).
 */
enum {
    OBJECT_KEY_MAX = 1024,
    OBJECT_TIMEOUT_MS = 8 * 1000,
    OBJECT_PLACE_MAX = ENDPOINT_HOST_MAX + 64,
};

/** Where a bucket's objects are. */
struct object_place {
    char host[OBJECT_PLACE_MAX];
    char path[72]; /* in front of a key: "/" or "/BUCKET/" */
    bool plain;
};

/** object_bucket_ok(): S3 User Guide, bucket naming rules. */
bool object_bucket_ok(const char *bucket);

/**
 * object_place(): a host of the bucket's own; where the endpoint of S3 is
 * overridden, or the name has dots, which no certificate covers, a path.
 *
 * Return: whether there is one, else *@why.
 */
bool object_place(struct object_place *place, const struct settings *settings,
                  const char *bucket, char why[ENDPOINT_WHY_MAX]);

enum object_fate {
    OBJECT_FOUND,
    OBJECT_ABSENT,         /* 404, or 403 for want of s3:ListBucket */
    OBJECT_NO_CREDENTIALS, /* nothing was asked */
    OBJECT_UNKNOWN,        /* no answer that tells */
};

/** Borrowed during done(). */
struct object_answer {
    enum object_fate fate;
    const char *why; /* where it is not known */
    uint64_t size;
    const char *type;
    const char *sha256; /* base64, or "" */
};

/** In the caller's memory, which stays put until done() has run. */
struct object_head {
    const char *bucket, *key; /* the caller's, until done() */
    void (*done)(struct object_head *head, const struct object_answer *answer);
    void *owner;

    struct cloud *cloud; /* the rest is private to object.c */
    struct http_request request;
    struct aws_head lines;
    struct object_place place;
    char path[OBJECT_KEY_MAX + 80];
    char url[OBJECT_PLACE_MAX + 3 * OBJECT_KEY_MAX + 96];
};

/**
 * object_head_start(): done() runs once, from the loop, never from inside.
 *
 * Return: OBJECT_FOUND where it is asked; else what kept it from being asked,
 * with *@why: then done() will not run.
 */
enum object_fate object_head_start(struct object_head *head,
                                   struct cloud *cloud, const char **why);

/** object_head_cancel(): of one under way: done() will not run any more. */
void object_head_cancel(struct object_head *head);
