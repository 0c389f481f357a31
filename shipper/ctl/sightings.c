#include "shipper/ctl/sightings.h"

#include "common/settings.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/cwread.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PATTERN_MAX = 1025, PREFIX_MAX = 1024 };

bool
sightings_takes(const struct sightings *sightings, int64_t ts)
{
    const struct sighting *ones = sightings->ones;
    size_t count = sightings->count;

    /* Time may fall from one segment to the next. */
    return !count || (count < SIGHTINGS_MAX && ts >= ones[count - 1].ts &&
                      ts - ones[0].ts <= SIGHTINGS_SPAN_MS);
}

void
sightings_add(struct sightings *sightings, const char *event_id, int64_t ts)
{
    struct sighting *one = &sightings->ones[sightings->count++];

    *one = (struct sighting){.ts = ts};
    memcpy(one->event_id, event_id, LINE_ID_LEN);
}

/* { $.eventId = "…" || $.eventId = "…" }, each as it stands in its entry. */
static void
make_pattern(struct buf *out, const struct sightings *sightings)
{
    for (size_t i = 0; i < sightings->count; i++)
        (void)buf_printf(out, "%s$.eventId = \"%s\"", i ? " || " : "{ ",
                         sightings->ones[i].event_id);
    (void)buf_puts(out, " }");
    (void)buf_putc(out, '\0');
}

static int
see_event(void *owner, const struct cwread_event *event)
{
    struct sightings *sightings = owner;
    const char *id = cwread_event_id(event->message);

    for (size_t i = 0; id && i < sightings->count; i++) {
        struct sighting *one = &sightings->ones[i];

        if ((event->ts != one->ts && !sightings->later_ms) ||
            strncasecmp(id, one->event_id, LINE_ID_LEN) != 0)
            continue;
        if (!one->count++) {
            one->ingested_ms = event->ingested_ms;
            (void)snprintf(one->stream, sizeof(one->stream), "%s",
                           event->stream);
        }
    }
    return 0;
}

int
sightings_look(struct sightings *sightings, struct aws_sync *sync,
               const struct settings *settings)
{
    int64_t last_ms = sightings->ones[sightings->count - 1].ts;
    struct buf pattern, prefix;
    int code;

    buf_init(&pattern, PATTERN_MAX);
    buf_init(&prefix, PREFIX_MAX);
    make_pattern(&pattern, sightings);
    cwread_prefix(&prefix, settings->shipper.log_stream);
    code = cwread_events(sync,
                         &(struct cwread_range){
                             .group = settings->shipper.log_group,
                             .prefix = prefix.data,
                             .pattern = pattern.data,
                             .start = sightings->ones[0].ts,
                             .end = (sightings->later_ms > last_ms
                                         ? sightings->later_ms
                                         : last_ms) +
                                    1,
                         },
                         see_event, sightings);
    buf_deinit(&pattern);
    buf_deinit(&prefix);
    return code == AWS_SYNC_MISSING ? 0 : code;
}
