#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ctl;

/*
 * shipper.status.json, as far as it says something: members that are missing
 * or of another kind are passed over.
 */
enum { PULSE_TEXT_SIZE = 256 };

struct pulse {
    bool known;         /* whether there is such a file, and it is one object */
    char *raw;          /* the file, for --json */
    int64_t updated_ms; /* times are 0 where they are not told */
    int64_t last_success_ms;
    int64_t next_retry_ms;
    int64_t error_ms;
    char state[PULSE_TEXT_SIZE]; /* texts are escaped for a terminal */
    char error_code[PULSE_TEXT_SIZE];
    char error_message[PULSE_TEXT_SIZE];
    bool has_rates, has_clock;
    double events_per_second;
    double bytes_per_second;
    double clock_offset_ms;

    /* What CloudWatch took, as it charges for it. */
    int64_t day_ms; /* since when; 0: not told */
    uint64_t day_bytes, day_before_bytes;
};

/** pulse_read(): Return: 0, or an exit code, told; pulse_deinit() after. */
int pulse_read(struct pulse *pulse, const struct ctl *ctl);
void pulse_deinit(struct pulse *pulse);
