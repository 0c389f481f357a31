#include "shipper/figures.h"

#include "shipper/aws.h"

#include <stdio.h>
#include <string.h>

/* Of a code that came before, or a new one's; the last place is everybody's
 * for whom there is none. */
static size_t
index_of(struct figures *figures, const char *code)
{
    size_t i = 0;

    while (i < FIGURES_CODES - 1 && *figures->codes[i] &&
           strcmp(figures->codes[i], code))
        i++;
    if (i < FIGURES_CODES - 1 && !*figures->codes[i])
        (void)snprintf(figures->codes[i], FIGURES_CODE_SIZE, "%s", code);
    return i;
}

void
figures_taken(struct figures *figures, size_t events, size_t bytes)
{
    histogram_add(&figures->batch_events, events);
    histogram_add(&figures->batch_bytes, bytes);
}

void
figures_answered(struct figures *figures, const struct aws_answer *answer,
                 bool again)
{
    const char *code = answer->outcome == AWS_OK ? "OK" : answer->code;
    size_t i = index_of(figures, code);

    figures->requests[i]++;
    figures->retries[i] += again;
    histogram_add(&figures->took_us,
                  answer->took_ms > 0 ? (uint64_t)answer->took_ms * 1000 : 0);
}
