#include "ingest/trend.h"

#include "common/buf.h"

#include <inttypes.h>

/* What @now has more than @before. */
static struct histogram
growth(const struct histogram *now, const struct histogram *before)
{
    struct histogram more = {
        .count = now->count - before->count,
        .sum = now->sum - before->sum,
    };

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        more.counts[i] = now->counts[i] - before->counts[i];
        if (more.counts[i])
            more.max =
                histogram_top(i) < now->max ? histogram_top(i) : now->max;
    }
    return more;
}

static uint32_t
bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

void
trend_init(struct trend *trend, int64_t second)
{
    *trend = (struct trend){.step = second / TREND_STEP_S};
}

void
trend_look(struct trend *trend, const struct histogram *histogram,
           int64_t second)
{
    int64_t step = second / TREND_STEP_S;
    struct histogram more;

    if (step <= trend->step)
        return;
    more = growth(histogram, &trend->before);
    trend->before = *histogram;
    trend->steps[trend->step % TREND_STEPS] = (struct trend_step){
        .count = bounded(more.count),
        .p50_us = bounded(histogram_quantile(&more, 0.5)),
        .p99_us = bounded(histogram_quantile(&more, 0.99)),
    };
    /* Steps that nobody looked at: the machine slept, or the loop was held. */
    for (int64_t i = trend->step + 1; i < step; i++) {
        if (i <= step - TREND_STEPS)
            i = step - TREND_STEPS + 1;
        trend->steps[i % TREND_STEPS] = (struct trend_step){0};
    }
    trend->step = step;
    trend->steps[step % TREND_STEPS] = (struct trend_step){0};
}

static void
write_row(struct buf *out, const struct trend *trend, const char *name,
          uint32_t (*pick)(const struct trend_step *step))
{
    (void)buf_printf(out, "\"%s\":[", name);
    for (int64_t i = trend->step - TREND_STEPS + 1; i < trend->step; i++) {
        const struct trend_step *step =
            &trend->steps[(i + TREND_STEPS) % TREND_STEPS];

        if (i > trend->step - TREND_STEPS + 1)
            (void)buf_putc(out, ',');
        if (i < 0 || !step->count)
            (void)buf_puts(out, "null");
        else
            (void)buf_number(out, pick(step));
    }
    (void)buf_putc(out, ']');
}

static uint32_t
pick_count(const struct trend_step *step)
{
    return step->count;
}

static uint32_t
pick_p50(const struct trend_step *step)
{
    return step->p50_us;
}

static uint32_t
pick_p99(const struct trend_step *step)
{
    return step->p99_us;
}

void
trend_write(struct buf *out, const struct trend *trend)
{
    (void)buf_putc(out, '{');
    write_row(out, trend, "count", pick_count);
    (void)buf_putc(out, ',');
    write_row(out, trend, "p50Us", pick_p50);
    (void)buf_putc(out, ',');
    write_row(out, trend, "p99Us", pick_p99);
    (void)buf_putc(out, '}');
}
