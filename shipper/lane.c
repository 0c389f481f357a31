#include "shipper/lane.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/settings.h"
#include "shipper/stream.h"
#include "shipper/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILL_BYTES = 16 * 1024 * 1024, /* that one call reads */
    SLOW_US = 250 * 1000,          /* so long a full stream holds the others */
    IDLE_US = 60 * 1000000,        /* before a stream is closed */
};

/* A stream, and how it gets its entries. */
struct place {
    struct route_key key;
    struct stream *stream;
    struct feed own; /* its reader is NULL: it keeps pace with the others */
    uint64_t passed; /* entries in the counts that its own feed has to read */
    struct spool_position settled; /* before it all was, in an earlier life */
    int64_t full_us;               /* since when it takes nothing; 0: it does */
    int64_t idle_us;               /* since when it has nothing; 0: it has */
};

struct lane {
    struct lane_sources sources;
    struct feed feed;
    struct place places[LANE_STREAMS_MAX];
    size_t count;
    bool reached_end; /* what is read from now on cannot have been sent */
    uint64_t judged;  /* the segment of which is_counted() was asked last */
    bool counted;     /* and what it said */
};

int
lane_new(struct lane **out, const struct lane_sources *sources)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    int r;

    if (!lane)
        return -ENOMEM;
    lane->sources = *sources;
    r = spool_reader_new(&lane->feed.reader, sources->world->dirfd,
                         sources->retry);
    if (r < 0) {
        free(lane);
        return r;
    }
    *out = lane;
    spool_reader_seek(lane->feed.reader,
                      sources->retry ? tally_durable_retry(sources->tally)
                                     : tally_durable(sources->tally));
    return spool_reader_check(lane->feed.reader);
}

static void
leave_own_feed(struct place *place)
{
    spool_reader_free(place->own.reader);
    place->own = (struct feed){0};
}

void
lane_close(struct lane *lane)
{
    for (size_t i = 0; lane && i < lane->count; i++) {
        leave_own_feed(&lane->places[i]);
        stream_close(lane->places[i].stream);
    }
    if (lane)
        lane->count = 0;
}

void
lane_free(struct lane *lane)
{
    if (!lane)
        return;
    spool_reader_free(lane->feed.reader);
    free(lane);
}

static struct place *
find(struct lane *lane, const struct route_key *key)
{
    for (size_t i = 0; i < lane->count; i++)
        if (route_same(&lane->places[i].key, key))
            return &lane->places[i];
    return NULL;
}

/* Its row stays, so that it can be opened again as it was. */
static bool
close_place(struct lane *lane, struct place *place)
{
    if (place->own.reader || !stream_empty(place->stream) ||
        tally_keep(lane->sources.tally, place->stream) < 0)
        return false;
    stream_close(place->stream);
    lane->count--;
    memmove(place, place + 1,
            (size_t)(&lane->places[lane->count] - place) * sizeof(*place));
    return true;
}

static bool
make_room(struct lane *lane)
{
    for (size_t i = 0; lane->count == LANE_STREAMS_MAX && i < lane->count;)
        if (!close_place(lane, &lane->places[i]))
            i++;
    return lane->count < LANE_STREAMS_MAX;
}

/* What may have been sent already: what was in flight, and, without a
 * checkpoint, all that is there. */
static struct stream_past
past_of(const struct lane *lane, const struct checkpoint_stream *known)
{
    struct spool_position position = feed_position(&lane->feed);
    struct stream_past past = {
        .token = known ? known->token : NULL,
        .position = position,
        .look = !lane->reached_end,
    };

    if (known && spool_position_compare(known->position, position) > 0)
        past.position = known->position;
    if (known && known->in_flight) {
        past.in_flight = &known->inflight;
        past.doubt_end = known->inflight.end;
    }
    if (lane->sources.sent_lately && past.look)
        past.doubt_end = (struct spool_position){UINT64_MAX, UINT64_MAX};
    return past;
}

static struct place *
open_place(struct lane *lane, const struct route_key *key)
{
    const struct lane_sources *sources = &lane->sources;
    struct place *place;
    struct buf group, name;
    struct stream_past past;
    int r;

    if (!make_room(lane))
        return NULL;
    place = &lane->places[lane->count];
    buf_init(&group, ROUTE_NAME_MAX + 1);
    buf_init(&name, ROUTE_NAME_MAX + 1);
    route_group(sources->route, key, &group);
    route_stream(sources->route, key, &name);
    (void)buf_putc(&group, '\0');
    (void)buf_putc(&name, '\0');
    r = group.failed ? group.failed : name.failed;
    if (!r) {
        past = past_of(lane, tally_stream(sources->tally, group.data, name.data,
                                          sources->retry));
        *place = (struct place){.key = *key, .settled = past.position};
        r = stream_new(&place->stream, sources->world, group.data, name.data,
                       &past);
    }
    buf_deinit(&group);
    buf_deinit(&name);
    if (r)
        return NULL;
    lane->count++;
    return place;
}

struct stream *
lane_stream(struct lane *lane, const struct route_key *key)
{
    struct place *place = find(lane, key);

    if (!place)
        place = open_place(lane, key);
    return place ? place->stream : NULL;
}

/* The feed does not wait for it any longer.  Return: whether it need not. */
static bool
leave_behind(struct lane *lane, struct place *place,
             struct spool_position position)
{
    if (!route_varies(lane->sources.route) ||
        clock_mono_us() - place->full_us < SLOW_US ||
        spool_reader_new(&place->own.reader, lane->sources.world->dirfd,
                         lane->sources.retry) < 0)
        return false;
    spool_reader_seek(place->own.reader, position);
    return true;
}

/* Return: whether the stream has it, or had it in an earlier life. */
static bool
offer(struct place *place, const struct spool_item *item)
{
    if (spool_position_compare(item->position, place->settled) < 0)
        return true;
    if (stream_offer(place->stream,
                     (struct slice){item->bytes, (size_t)item->len}, item->ts,
                     item->position, item->next)) {
        if (!place->full_us)
            place->full_us = clock_mono_us();
        return false;
    }
    place->full_us = place->idle_us = 0;
    return true;
}

/* Entries of a replay are outside the counts. */
static bool
is_counted(struct lane *lane, uint64_t segment)
{
    const struct stream_world *world = lane->sources.world;

    if (lane->judged != segment)
        lane->counted = !world->buries || world->buries(world->owner, segment);
    lane->judged = segment;
    return lane->counted;
}

/* Return: whether the item has its place; else it has to come again. */
static bool
hand_out(struct lane *lane, const struct spool_item *item)
{
    struct route_key key;
    struct place *place;

    if (!lane->sources.may_read(lane->sources.owner, item))
        return false;
    if (!item->bytes)
        return lane->sources.bad(lane->sources.owner, item) == 0;
    key = route_find(lane->sources.route,
                     (struct slice){item->bytes, (size_t)item->len}, item->ts);
    place = find(lane, &key);
    if (!place)
        place = open_place(lane, &key);
    if (!place)
        return false;
    if (!place->own.reader && offer(place, item))
        return true;
    if (!place->own.reader && !leave_behind(lane, place, item->position))
        return false;
    place->passed += is_counted(lane, item->position.segment);
    return true;
}

static void
fill_all(struct lane *lane, bool thorough)
{
    uint64_t bytes = 0;
    bool looked = thorough;
    int r;

    while ((r = feed_next(&lane->feed, thorough)) == 1 && bytes < FILL_BYTES &&
           hand_out(lane, &lane->feed.item)) {
        thorough = false;
        bytes += lane->feed.item.len;
        feed_take(&lane->feed);
    }
    /* A quick look that finds nothing has not looked at what failed. */
    lane->reached_end |= r == 0 && looked;
    if (r || looked)
        lane->sources.read(lane->sources.owner, lane->sources.retry,
                           r == 1 ? 0 : r);
}

/* Return: whether the stream stands where all the others do: what its own feed
 * would read next comes from the common one. */
static bool
catch_up(struct lane *lane, struct place *place, bool thorough)
{
    const struct route *route = lane->sources.route;
    struct spool_position common = feed_position(&lane->feed);
    struct spool_item *item = &place->own.item;
    uint64_t bytes = 0;
    int r;

    while ((r = feed_next(&place->own, thorough)) == 1 && bytes < FILL_BYTES) {
        struct slice line = {item->bytes, (size_t)item->len};
        struct route_key key;

        if (spool_position_compare(item->position, common) >= 0)
            return true;
        thorough = false;
        bytes += item->len;
        if (item->bytes) { /* bad runs are the common feed's */
            key = route_find(route, line, item->ts);
            if (route_same(&key, &place->key)) {
                if (!offer(place, item))
                    return false;
                place->passed -= is_counted(lane, item->position.segment);
            }
        }
        feed_take(&place->own);
    }
    /* At the end of what it knows of: the common one may be in a segment that
     * this one has not looked for yet. */
    return r == 0 &&
           spool_position_compare(feed_position(&place->own), common) >= 0;
}

void
lane_fill(struct lane *lane, bool thorough)
{
    fill_all(lane, thorough);
    for (size_t i = 0; i < lane->count; i++) {
        struct place *place = &lane->places[i];

        if (place->own.reader && catch_up(lane, place, thorough))
            leave_own_feed(place);
    }
}

bool
lane_is_busy_with(const struct lane *lane, const struct stream *stream)
{
    for (size_t i = 0; i < lane->count; i++) {
        const struct stream *one = lane->places[i].stream;

        if (stream_busy(one) && stream_is_same(one, stream))
            return true;
    }
    return false;
}

void
lane_poke(struct lane *lane, const struct lane *other, bool now)
{
    for (size_t i = 0; i < lane->count; i++) {
        struct place *place = &lane->places[i];

        if (!lane_is_busy_with(other, place->stream))
            stream_poke(place->stream, now);
        stream_pass(place->stream,
                    feed_position(place->own.reader ? &place->own
                                                    : &lane->feed));
    }
}

void
lane_tidy(struct lane *lane)
{
    int64_t now_us = clock_mono_us();

    if (!route_varies(lane->sources.route))
        return;
    for (size_t i = 0; i < lane->count;) {
        struct place *place = &lane->places[i];

        if (!stream_empty(place->stream))
            place->idle_us = 0;
        else if (!place->idle_us)
            place->idle_us = now_us;
        if (!place->idle_us || now_us - place->idle_us < IDLE_US ||
            !close_place(lane, place))
            i++;
    }
}

struct spool_position
lane_position(const struct lane *lane)
{
    struct spool_position least = feed_position(&lane->feed);

    for (size_t i = 0; i < lane->count; i++) {
        struct spool_position one = stream_position(lane->places[i].stream);

        if (spool_position_compare(one, least) < 0)
            least = one;
    }
    return least;
}

struct spool_position
lane_read(const struct lane *lane)
{
    return feed_position(&lane->feed);
}

struct spool_position
lane_end(const struct lane *lane)
{
    return spool_reader_end(lane->feed.reader);
}

uint64_t
lane_lowest(const struct lane *lane)
{
    return spool_reader_lowest(lane->feed.reader);
}

uint64_t
lane_unsettled(const struct lane *lane)
{
    uint64_t entries = 0;

    for (size_t i = 0; i < lane->count; i++)
        entries +=
            lane->places[i].passed + stream_pending(lane->places[i].stream);
    return entries;
}

uint64_t
lane_lag(const struct lane *lane)
{
    return spool_reader_bytes(lane->feed.reader, lane_position(lane));
}

size_t
lane_streams(const struct lane *lane, struct stream *streams[LANE_STREAMS_MAX])
{
    for (size_t i = 0; i < lane->count; i++)
        streams[i] = lane->places[i].stream;
    return lane->count;
}

bool
lane_done(const struct lane *lane)
{
    for (size_t i = 0; i < lane->count; i++)
        if (!stream_empty(lane->places[i].stream))
            return false;
    return true;
}

bool
lane_stuck(const struct lane *lane)
{
    for (size_t i = 0; i < lane->count; i++)
        if (!stream_empty(lane->places[i].stream) &&
            !stream_stuck(lane->places[i].stream))
            return false;
    return true;
}
