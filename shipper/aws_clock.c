#include "shipper/aws_clock.h"

#include "common/timefmt.h"

#include <string.h>

void
aws_clock_learn(struct aws_clock *clock, const struct aws_clock_sample *sample)
{
    int64_t date_ms;

    if (*sample->age || sample->took_ms > AWS_CLOCK_SLOW_MS ||
        !timefmt_parse_http(sample->date, strlen(sample->date), &date_ms))
        return;
    clock->offset_ms = date_ms - (sample->sent_ms + sample->took_ms / 2);
    clock->learnt_us = sample->now_us;
}

static int64_t
distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

bool
aws_clock_explains(const struct aws_clock *clock, int64_t used_ms)
{
    return distance(clock->offset_ms, 0) >= AWS_CLOCK_SKEW_MS &&
           distance(clock->offset_ms, used_ms) > AWS_CLOCK_NOISE_MS;
}
