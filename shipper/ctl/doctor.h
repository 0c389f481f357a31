#pragma once

#include "shipper/ctl/web.h"

#include <stdbool.h>
#include <stdint.h>

struct aws_sync;
struct ctl;

/*
 * doctor: each check tells a line, and what to do where it is not well.  None
 * changes anything, but for the events and the upload of `--url`.
 */
enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    struct ctl *ctl;
    struct aws_sync *sync;
    const char *origin; /* that a page has, or NULL */
    const char *ca;     /* trusted instead of the system's, or NULL */
    uint64_t counts[DOCTOR_FAIL + 1];

    bool logs_reached, secrets_reached;
    bool authorized; /* AWS knows who asks */
    char bucket[64]; /* of uploads; "": nobody knows */
};

/**
 * doctor_tell(): one line: the check's @name, what was found, and unless NULL
 * what to do about it.
 */
void doctor_tell(struct doctor *doctor, enum doctor_verdict verdict,
                 const char *name, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The parts, in the order in which they are told. */
void doctor_reach(struct doctor *doctor); /* names, TLS, clock */
void doctor_logs(struct doctor *doctor);  /* credentials, CloudWatch Logs */
void doctor_secrets(struct doctor *doctor);
void doctor_bucket(struct doctor *doctor); /* and its CORS */
void doctor_spool(struct doctor *doctor);  /* after ctl_open() */
void doctor_ingest(struct doctor *doctor); /* its addresses, CORS */

/** doctor_preflight(): whether @place lets a page of @origin send @method with
 * @headers to @path, as a browser asks. */
struct doctor_preflight {
    const struct web_place *place;
    const char *path, *url; /* as in web.h */
    const char *method, *headers;
    const char *hint; /* where it does not */
    bool same;        /* they are its own pages: no header has to say so */
};
void doctor_preflight(struct doctor *doctor,
                      const struct doctor_preflight *preflight,
                      const char *origin);

#define DOCTOR_BUCKET_CORS                                                     \
    "the bucket's CORS has to allow PUT from it, with content-type, "          \
    "if-none-match and x-amz-checksum-sha256"

/** What `--url` looks at from outside. */
struct doctor_site {
    struct web_place place;
    const char *origin;
    bool same_origin; /* it is the place's own */
    char *token;      /* NULL: as a guest */
    int64_t timeout_ms;
    bool upload;
};

void doctor_site(struct doctor *doctor, const struct doctor_site *site);
void doctor_upload(struct doctor *doctor, const struct doctor_site *site);
