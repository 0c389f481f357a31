#pragma once

struct buf;
struct settings;

/*
 * Names of log streams: [shipper] log_stream with its placeholders filled in.
 */

/** stream_name(): append the stream's name, with @hostname for {hostname}. */
void stream_name(struct buf *out, const char *pattern, const char *hostname);

/** stream_name_check(): settings_complain()s of what CloudWatch would refuse
 * (API reference, "PutLogEvents": 1 to 512 characters, no `:`, no `*`). */
void stream_name_check(struct settings *settings);
