#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct ctl;

/*
 * What runs out: shipper's credentials and secrets, as shipper.metrics tells
 * of them, and the certificate, of which the file is read.
 */
enum ends_secret { ENDS_APP_CONFIG, ENDS_DB_PASSWORD, ENDS_SECRETS };

struct ends {
    bool told;              /* by shipper, for the next two */
    int64_t credentials_ms; /* 0: they have no end, or there are none */
    int64_t secrets_ms[ENDS_SECRETS]; /* when it was read last; 0: never */
    bool wanted[ENDS_SECRETS];        /* whether it is read at all */
    bool has_certificate;
    int certificate_error; /* 0, or the negative errno of its reading */
    int64_t certificate_ms;
};

void ends_read(struct ends *ends, const struct ctl *ctl);

/** ends_secret_name(): the setting of [secrets] that names it. */
const char *ends_secret_name(enum ends_secret which);

/**
 * ends_series(): the value of @series, a name with its labels, in @text of
 * Prometheus' format.
 *
 * Return: whether it is there, and a number.
 */
bool ends_series(struct slice text, const char *series, double *value);
