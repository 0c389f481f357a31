#pragma once

#include <uv.h>

struct aws;
struct creds;
struct http;
struct settings;

/*
 * What every talk with the world outside shares: connections, credentials and
 * the signed calls of AWS.
 */
struct cloud {
    uv_loop_t *loop;
    const struct settings *settings;
    struct http *http;
    struct creds *creds;
    struct creds *upload_creds; /* who signs uploads: mostly the same */
    struct aws *aws;
};

/** cloud_open(): @cloud is zeroed; @settings is borrowed for its life.
 * cloud_close() is due in any case.  Return: 0 or -ENOMEM. */
int cloud_open(struct cloud *cloud, uv_loop_t *loop,
               const struct settings *settings);

/** cloud_close(): nothing may be under way; the loop has to run for a turn. */
void cloud_close(struct cloud *cloud);
