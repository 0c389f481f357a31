#pragma once

#include <stddef.h>

/*
 * The tracker script, made at build time of ingest/web/dist/tracker.min.js by
 * ingest/web/embed.sh.
 */
extern const unsigned char tracker_plain[];
extern const size_t tracker_plain_len;
extern const unsigned char tracker_gzip[]; /* the same, gzip -9 */
extern const size_t tracker_gzip_len;
extern const char tracker_tag[]; /* of its bytes */
