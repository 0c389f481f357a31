#pragma once

#include <stdint.h>

/*
 * How long to wait before a call is tried again.  Pure: the randomness and
 * the service's hints are the caller's.
 *
 * Full jitter, as AWS's SDKs do it: a delay is drawn evenly from 0 up to a
 * ceiling that doubles with each failure in a row and stops at 20 s.
 */
enum {
    BACKOFF_BASE_MS = 100,
    BACKOFF_THROTTLED_MS = 1000, /* the base where the service says: slower */
    BACKOFF_MAX_MS = 20 * 1000,
    BACKOFF_SPREAD_MS = 5 * 1000, /* a hint adds no more than this ... */
    BACKOFF_HINT_MAX_MS =
        300 * 1000, /* ... and Retry-After no more than this */
};

/**
 * backoff_delay_ms(): before the next try, after @failures (1 or more) of them
 * in a row; @random is drawn evenly from all 32 bits.
 */
int64_t backoff_delay_ms(int64_t base_ms, unsigned failures, uint32_t random);

/**
 * backoff_hinted_ms(): @delay_ms, as far as x-amz-retry-after (@hint_ms) and
 * Retry-After (@retry_after_ms) want it longer; negative where there is none.
 * The first is the SDKs' max(t, min(h, t + 5 s)); the second is obeyed up to
 * five minutes.
 */
int64_t backoff_hinted_ms(int64_t delay_ms, int64_t hint_ms,
                          int64_t retry_after_ms);
