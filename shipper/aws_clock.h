#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How far the service's clock is ahead of ours, learnt from the Date of its
 * answers.  Pure.
 */
enum {
    AWS_CLOCK_SKEW_MS = 4 * 60 * 1000,  /* from here on a signature suffers */
    AWS_CLOCK_NOISE_MS = 5 * 1000,      /* two offsets no further apart agree */
    AWS_CLOCK_SLOW_MS = 15 * 60 * 1000, /* an answer as late tells nothing */
};

struct aws_clock {
    int64_t offset_ms; /* 0 until something is learnt */
    int64_t learnt_us; /* clock_mono_us() of the last time; 0: never */
};

/** One exchange: when, and what its answer said about time; "": nothing. */
struct aws_clock_sample {
    int64_t sent_ms;  /* our wall clock as the call began */
    int64_t took_ms;  /* until the answer was there */
    int64_t now_us;   /* clock_mono_us() */
    const char *date; /* the header */
    const char *age;  /* the header: with it, a cache answered */
};

/** aws_clock_learn(): the offset at the middle of the exchange. */
void aws_clock_learn(struct aws_clock *clock,
                     const struct aws_clock_sample *sample);

/**
 * aws_clock_explains(): a call signed with @used_ms may have been refused for
 * its time: the true offset is large and another one.
 */
bool aws_clock_explains(const struct aws_clock *clock, int64_t used_ms);
