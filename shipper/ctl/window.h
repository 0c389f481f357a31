#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shipper/ctl/ctl.h"

/* The time that a look at CloudWatch covers: the last hour, if nothing else is
 * said.  In ms since 1970; both ends belong to it. */
struct window {
    int64_t since;
    int64_t until;
};

enum {
    WINDOW_SINCE = CTL_OPTION_NEXT,
    WINDOW_UNTIL,
    WINDOW_OPTION_NEXT,
};

/* For the option table of a command, and for its help. */
#define WINDOW_OPTIONS                                                         \
    {"since", required_argument, NULL, WINDOW_SINCE},                          \
    {                                                                          \
        "until", required_argument, NULL, WINDOW_UNTIL                         \
    }

#define WINDOW_HELP                                                            \
    "  --since TIME      from TIME on: 2h30m (ago), or "                       \
    "2026-01-02T03:04:05Z;\n"                                                  \
    "                    an hour before the end if nothing is said\n"          \
    "  --until TIME      up to TIME; now if nothing is said\n"

/** window_init(): nothing is said yet. */
void window_init(struct window *window);

bool window_is_option(int option);

/** window_option(): take one of WINDOW_OPTIONS; @now is in ms since 1970.
 * Return: NULL, or what is wrong with @value. */
const char *window_option(struct window *window, int option, const char *value,
                          int64_t now);

/** window_close(): fill in what was not said.
 * Return: NULL, or what is wrong with the two. */
const char *window_close(struct window *window, int64_t now);
