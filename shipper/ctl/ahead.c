#include "shipper/ctl/ahead.h"

#include "common/buf.h"
#include "common/line.h"

#include <string.h>

void
ahead_init(struct ahead *ahead, const struct settings *settings,
           const struct checkpoint *checkpoint)
{
    *ahead = (struct ahead){.checkpoint = checkpoint};
    route_init(&ahead->route, settings);
}

static struct spool_position
common_of(const struct ahead *ahead, bool retry)
{
    return retry ? ahead->checkpoint->retry : ahead->checkpoint->position;
}

/* The row of a stream, or the common position where there is none. */
static struct spool_position
position_of(const struct ahead *ahead, const struct route_key *key, bool retry)
{
    const struct checkpoint *checkpoint = ahead->checkpoint;
    struct spool_position position = common_of(ahead, retry);
    struct buf group, stream;

    buf_init(&group, ROUTE_NAME_MAX + 1);
    buf_init(&stream, ROUTE_NAME_MAX + 1);
    route_group(&ahead->route, key, &group);
    route_stream(&ahead->route, key, &stream);
    (void)buf_putc(&group, '\0');
    (void)buf_putc(&stream, '\0');
    for (size_t i = 0;
         !group.failed && !stream.failed && i < checkpoint->stream_count; i++) {
        const struct checkpoint_stream *row = &checkpoint->streams[i];

        if (spool_is_retry(row->position.segment) == retry &&
            spool_position_compare(row->position, position) > 0 &&
            !strcmp(row->group, group.data) &&
            !strcmp(row->stream, stream.data))
            position = row->position;
    }
    buf_deinit(&group);
    buf_deinit(&stream);
    return position;
}

bool
ahead_settled(struct ahead *ahead, struct slice line, struct spool_position at)
{
    bool retry = spool_is_retry(at.segment);
    struct route_key key;

    if (spool_position_compare(at, common_of(ahead, retry)) < 0)
        return true;
    if (!line.data || !route_varies(&ahead->route))
        return false;
    key = route_find(&ahead->route, line, line_ts(line.data));
    if (!ahead->known || ahead->retry != retry ||
        !route_same(&key, &ahead->key)) {
        ahead->position = position_of(ahead, &key, retry);
        ahead->key = key;
        ahead->retry = retry;
        ahead->known = true;
    }
    return spool_position_compare(at, ahead->position) < 0;
}
