#include "shipper/ship_inner.h"

#include "common/clock.h"
#include "shipper/aws.h"

#include <inttypes.h>
#include <stdio.h>

static size_t
report(const struct ship *ship, struct stream_report *reports,
       struct stream_report *sum)
{
    struct stream *streams[2 * LANE_STREAMS_MAX];
    size_t count = lane_streams(ship->spool, streams);

    count += lane_streams(ship->retry, streams + count);
    *sum = (struct stream_report){.error_code = "", .error_message = ""};
    for (size_t i = 0; i < count; i++) {
        reports[i] = stream_report(streams[i]);
        stream_report_add(sum, &reports[i]);
    }
    if (ship->figures.last_success_ms > sum->last_success_ms)
        sum->last_success_ms = ship->figures.last_success_ms;
    return count;
}

static int64_t
lag_ms(const struct stream_report *sum)
{
    int64_t now_ms = clock_wall_ms();

    return sum->oldest_ms && now_ms > sum->oldest_ms ? now_ms - sum->oldest_ms
                                                     : 0;
}

void
ship_tell(struct ship *ship)
{
    struct stream_report reports[2 * LANE_STREAMS_MAX], sum;
    size_t count = report(ship, reports, &sum);
    int64_t age_ms;
    int64_t offset_ms = aws_clock_offset_ms(ship->world.aws, &age_ms);
    struct status_facts facts = {
        .position = lane_position(ship->spool),
        .counts = tally_counts(ship->tally),
        .lag_bytes = lane_lag(ship->spool),
        .retry_bytes = lane_lag(ship->retry),
        .lag_ms = lag_ms(&sum),
        .clock_offset_ms = age_ms < 0 ? NULL : &offset_ms,
        .bytes = ship->figures.taken_bytes,
        .sum = &sum,
        .streams = reports,
        .stream_count = count,
    };

    /* Whoever looks sees by its age that it could not be written. */
    (void)status_write(&ship->status, ship->dirfd, &facts, clock_wall_ms(),
                       clock_mono_us());
    (void)snprintf(ship->summary, SUMMARY_SIZE,
                   "%s; %" PRIu64 " delivered, %" PRIu64 " dead, %" PRIu64
                   " bytes behind",
                   status_state(&sum), facts.counts.delivered,
                   facts.counts.dead, facts.lag_bytes);
}

const char *
ship_summary(struct ship *ship)
{
    return ship->summary;
}

void
ship_figures(const struct ship *ship, struct figures_facts *facts)
{
    struct stream_report reports[2 * LANE_STREAMS_MAX], sum;

    (void)report(ship, reports, &sum);
    facts->figures = &ship->figures;
    facts->last_success_ms = sum.last_success_ms;
    facts->lag_ms = lag_ms(&sum);
}
