#include "common/backoff.h"

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
backoff_delay_ms(int64_t base_ms, unsigned failures, uint32_t random)
{
    int64_t ceiling = base_ms;

    for (; failures > 1 && ceiling < BACKOFF_MAX_MS; failures--)
        ceiling *= 2;
    ceiling = least(ceiling, BACKOFF_MAX_MS);

    /* The high half of the product: even over 0…ceiling, without a bias
     * that matters at 32 bits. */
    return (int64_t)(((uint64_t)random * (uint64_t)(ceiling + 1)) >> 32);
}

int64_t
backoff_hinted_ms(int64_t delay_ms, int64_t hint_ms, int64_t retry_after_ms)
{
    int64_t hinted =
        most(delay_ms, least(hint_ms, delay_ms + BACKOFF_SPREAD_MS));

    return most(hinted, least(retry_after_ms, BACKOFF_HINT_MAX_MS));
}
