#pragma once

#include "common/buf.h"
#include "common/sigv4.h"

struct creds_keys;

/*
 * One request to AWS, signed: its header lines, as http.h wants them.  Pure:
 * time, host and keys are the caller's.
 */
enum { AWS_SIGN_HEADERS_MAX = 12 };

/** All borrowed. */
struct aws_sign {
    const char *service; /* the signing name */
    const char *region;
    const char *method;
    const char *host;
    const char *path;                 /* S3: the raw key */
    const struct sigv4_pair *headers; /* beside Host, X-Amz-Date, the token
                                         and, for S3, the payload's hash */
    size_t header_count;
    struct slice body;
    int64_t now_ms; /* by the service's clock */
};

/** Begin zeroed; aws_head_deinit() wipes it, as a session token is in it. */
struct aws_head {
    struct buf text; /* the lines, each with its NUL */
    const char *lines[AWS_SIGN_HEADERS_MAX + 1];
};

/**
 * aws_sign(): fill @head.
 *
 * Return: 0, or the errors of sigv4_authorize().
 */
int aws_sign(struct aws_head *head, const struct aws_sign *request,
             const struct creds_keys *keys);

void aws_head_deinit(struct aws_head *head);
