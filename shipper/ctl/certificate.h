#pragma once

#include <stdint.h>

/*
 * What somebody outside has to know of the certificate that ingest serves.
 */
enum { CERTIFICATE_NAME_SIZE = 256 };

struct certificate {
    int64_t not_after_ms;             /* since 1970 */
    char name[CERTIFICATE_NAME_SIZE]; /* a host that it is good for; "": none */
};

/**
 * certificate_read(): the first of the PEM file @path.  Of a wildcard the name
 * is one that it covers.
 *
 * Return: 0, -EINVAL where it holds no certificate, or another errno.
 */
int certificate_read(struct certificate *certificate, const char *path);

/** certificate_parse(): the same of PEM text.  Return: 0 or -EINVAL. */
int certificate_parse(struct certificate *certificate, const char *pem);
