#pragma once

#include "common/settings.h"
#include "common/spool.h"
#include "shipper/figures.h"
#include "shipper/stream.h"

#include <stdbool.h>

/*
 * One segment of a real spool, its entries, and a stream that sends them to
 * fake_aws.
 */
enum { ENTRIES_MAX = 16 };

struct one_stream {
    char dir[64];
    int dirfd;
    uv_loop_t loop;
    struct settings settings;
    struct stream_world shared;
    struct stream *stream;
    struct spool_position at[ENTRIES_MAX + 1];
    size_t lens[ENTRIES_MAX];
    char lines[ENTRIES_MAX][128];
    uint64_t delivered, dead;
    unsigned settled, sending;
    bool closes; /* once it has settled something, as lanes may */
    struct stream_past past;
    struct figures figures;
};

/** one_stream_begin(): its entries are of 1000 ms and later;
 * one_stream_begin_at(): of @ts. */
void one_stream_begin(struct one_stream *world);
void one_stream_begin_at(struct one_stream *world, int64_t ts);
void one_stream_end(struct one_stream *world);

/** one_stream_offer(): entries [from, to). */
void one_stream_offer(struct one_stream *world, int from, int to);

/** one_stream_reopen(): the stream of a next start. */
void one_stream_reopen(struct one_stream *world, struct stream_past past);

/** one_stream_sends(): whether the call under way has @text in its body. */
bool one_stream_sends(const char *text);

/** one_stream_run_until_call(): fails the test where none comes. */
void one_stream_run_until_call(struct one_stream *world);
