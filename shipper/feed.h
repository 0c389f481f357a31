#pragma once

#include "shipper/spool_reader.h"

/*
 * A reader and the item that it read last, which stays until it has found its
 * place.
 */
struct feed {
    struct spool_reader *reader;
    struct spool_item item;
    bool pending; /* the item is: the reader is not asked meanwhile */
};

/** feed_next(): as spool_reader_next(), but for an item that is pending. */
int feed_next(struct feed *feed, bool thorough);

/** feed_take(): the item has found its place. */
static inline void
feed_take(struct feed *feed)
{
    feed->pending = false;
}

/** feed_position(): all before it has found its place. */
struct spool_position feed_position(const struct feed *feed);
