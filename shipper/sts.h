#pragma once

#include "common/buf.h"
#include "shipper/aws_sign.h"
#include "shipper/creds_plan.h"
#include "shipper/endpoint.h"
#include "shipper/http.h"

#include <stdint.h>

struct creds_keys;
struct settings;

/*
 * One call of STS (query protocol, XML): AssumeRole, or
 * AssumeRoleWithWebIdentity, which is not signed.
 */
enum {
    STS_ANSWER_MAX = 64 * 1024,
    STS_TIMEOUT_MS = 15 * 1000,
    STS_TEXT_MAX = 8 * 1024, /* of a key or token */
    STS_CODE_MAX = 96,
    STS_MESSAGE_MAX = 240,
};

/** What came of it; wiped by whoever called. */
struct sts_answer {
    char access_key[256], secret[256], token[STS_TEXT_MAX];
    int64_t expires_ms;
    char code[STS_CODE_MAX]; /* "" where there are keys */
    char message[STS_MESSAGE_MAX];
};

/** sts_read(): an answer's XML.  Pure. */
void sts_read(struct sts_answer *answer, int status, struct slice xml);

/** In the caller's memory, which stays put until done() has run. */
struct sts_call {
    /* @answer is borrowed, and wiped after; @date is the header, or "". */
    void (*done)(struct sts_call *call, const struct sts_answer *answer,
                 const char *date);
    void *owner;

    struct http_request request; /* the rest is private to sts.c */
    struct aws_head head;
    struct buf form;
    char url[ENDPOINT_HOST_MAX + 16];
};

/**
 * sts_call_start(): assume @role; with @keys NULL by the web identity that it
 * names.  @now_ms is by AWS's clock.
 *
 * Return: 0; or -EINVAL with @why: done() will not run.
 */
int sts_call_start(struct sts_call *call, struct http *http,
                   const struct settings *settings,
                   const struct creds_role *role, const struct creds_keys *keys,
                   int64_t now_ms, char why[CREDS_WHY_MAX]);

/** sts_call_cancel(): of one under way: done() will not run any more. */
void sts_call_cancel(struct sts_call *call);
