#include "shipper/feed.h"

int
feed_next(struct feed *feed, bool thorough)
{
    int r = 1;

    if (!feed->pending)
        r = spool_reader_next(feed->reader, thorough, &feed->item);
    feed->pending = r == 1;
    return r;
}

struct spool_position
feed_position(const struct feed *feed)
{
    return feed->pending ? feed->item.position
                         : spool_reader_position(feed->reader);
}
