#pragma once

#include "common/spool.h"
#include "shipper/feed.h"
#include "shipper/route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One source of entries, the spool or retry/, and the streams that its entries
 * go to.
 *
 *                     ┌──▶ stream web/auth
 *     feed ──route──▶─┼──▶ stream web/business
 *                     └──▶ stream web/crud ◀── a feed of its own
 *
 * One feed serves all of them in the order of the spool.  A stream that can
 * take no more holds the feed for a moment, as it nearly always goes on; one
 * that is refused or slow is left behind: the feed passes over its entries,
 * and once it goes on it has a feed of its own until it has caught up.  So
 * none holds the others, and memory is bounded by two batches a stream.
 */
struct lane;
struct stream;
struct stream_report;
struct stream_world;
struct tally;

enum { LANE_STREAMS_MAX = 16 };

/** What a lane is made of; borrowed for its whole life. */
struct lane_sources {
    struct stream_world *world;
    const struct route *route;
    struct tally *tally;
    bool retry;       /* the source is retry/ */
    bool sent_lately; /* more than the checkpoint tells: all may be of unknown
                         fate */

    /** A run of bad bytes.  Return: 0 where it is done with. */
    int (*bad)(void *owner, const struct spool_item *item);
    /** Whether an item's time has come. */
    bool (*may_read)(void *owner, const struct spool_item *item);
    /** Reading failed, with what spool_reader_next() says; or works, with 0. */
    void (*read)(void *owner, bool retry, int error);
    void *owner;
};

/** lane_new(): Return: 0, SPOOL_UNKNOWN or a negative errno. */
int lane_new(struct lane **lane, const struct lane_sources *sources);

/** lane_close(): its streams; the loop has to run, then lane_free(). */
void lane_close(struct lane *lane);
void lane_free(struct lane *lane);

/**
 * lane_fill(): hand out what can be read, to whom it goes.  Not more than a
 * few MiB a call: the loop has others to serve.  @thorough: spool_reader.h.
 */
void lane_fill(struct lane *lane, bool thorough);

/** lane_poke(): send what is due, or all, with @now; but not to a log stream
 * that @other has a call under way to. */
void lane_poke(struct lane *lane, const struct lane *other, bool now);

/** lane_tidy(): close streams that had nothing to do for a while. */
void lane_tidy(struct lane *lane);

/** lane_stream(): the stream of entries with @key; opened where it is not.
 * NULL: there is no room for it. */
struct stream *lane_stream(struct lane *lane, const struct route_key *key);

/** lane_position(): all before it is delivered or dead. */
struct spool_position lane_position(const struct lane *lane);

/** lane_read(): all before it was handed to streams, or is passed over for a
 * while; lane_end(): the end of what there is to read. */
struct spool_position lane_read(const struct lane *lane);
struct spool_position lane_end(const struct lane *lane);

/** lane_lowest(): the lowest segment there is, or 0. */
uint64_t lane_lowest(const struct lane *lane);

/** lane_unsettled(): entries before lane_read() that are neither delivered nor
 * dead. */
uint64_t lane_unsettled(const struct lane *lane);

/** lane_is_busy_with(): whether it has a call under way to the log stream of
 * @stream. */
bool lane_is_busy_with(const struct lane *lane, const struct stream *stream);

/** lane_lag(): bytes behind the position. */
uint64_t lane_lag(const struct lane *lane);

/** lane_streams(): the open ones.  Return: how many were put there. */
size_t lane_streams(const struct lane *lane,
                    struct stream *streams[LANE_STREAMS_MAX]);

/** lane_done(): nothing is gathered and nothing on its way. */
bool lane_done(const struct lane *lane);

/** lane_stuck(): so it is in each stream that is not done, or that waits. */
bool lane_stuck(const struct lane *lane);
