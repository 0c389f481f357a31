#pragma once

#include <stdbool.h>

struct settings;

/*
 * Where a service of AWS is reached: [aws] endpoint_url, or
 * AWS_ENDPOINT_URL_<SERVICE>, or AWS_ENDPOINT_URL, or the service's own host
 * in the region.  Pure but for the environment.
 */
enum {
    ENDPOINT_HOST_MAX = 280, /* a host name is 253 at most, and a port */
    ENDPOINT_WHY_MAX = 160,
};

struct endpoint {
    char host[ENDPOINT_HOST_MAX]; /* as the Host header has it */
    bool plain;                   /* http, which is for loopback alone */
    bool own;                     /* AWS's own: nobody named another */
};

/**
 * endpoint_parse(): "https://HOST" or "https://HOST:PORT", or http to a
 * loopback address; a path other than "/" is none of ours.
 *
 * Return: whether it is one; else @why says what would be right.
 */
bool endpoint_parse(struct endpoint *endpoint, const char *url,
                    char why[ENDPOINT_WHY_MAX]);

/**
 * endpoint_region(): [aws] region; where nobody set that, AWS_REGION or
 * AWS_DEFAULT_REGION, or else its default.  Borrowed.
 */
const char *endpoint_region(const struct settings *settings);

/**
 * endpoint_find(): of @service ("logs").
 *
 * Return: whether there is one; else @why says what is wrong.
 */
bool endpoint_find(struct endpoint *endpoint, const struct settings *settings,
                   const char *service, char why[ENDPOINT_WHY_MAX]);
