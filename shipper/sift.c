#include "shipper/sift.h"

#include <assert.h>

void
sift_begin(struct sift *sift, size_t count)
{
    *sift = (struct sift){.count = count};
}

bool
sift_next(const struct sift *sift, struct sift_range *range)
{
    size_t hidden = sift->guilty > sift->lone ? sift->guilty - sift->lone : 0;

    range->from = sift->lone;
    range->to = hidden > 1    ? sift->lone + hidden / 2
                : hidden == 1 ? sift->guilty
                              : sift->count;
    return range->from < range->to;
}

void
sift_refused(struct sift *sift)
{
    struct sift_range range;

    (void)sift_next(sift, &range);
    assert(range.from < range.to);
    sift->guilty = range.to;
    if (range.to - range.from == 1)
        sift->lone = range.to; /* which explains what was refused with it */
}

void
sift_passed(struct sift *sift)
{
    struct sift_range range;

    (void)sift_next(sift, &range);
    sift->lone = range.to;
}

void
sift_taken(struct sift *sift)
{
    sift_passed(sift);
    sift_convict(sift);
}

void
sift_convict(struct sift *sift)
{
    sift->settled = sift->lone;
}
