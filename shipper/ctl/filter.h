#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"
#include "shipper/ctl/ctl.h"

/*
 * Which entries are wanted.  One option given several times takes any of its
 * values (--where: all of them); different options must all agree, as
 * journalctl has it.
 */
enum { FILTER_CONDITIONS_MAX = 32 };

enum {
    FILTER_OPTION = CTL_OPTION_NEXT,
    FILTER_EVENT = FILTER_OPTION,
    FILTER_CATEGORY,
    FILTER_CLIENT,
    FILTER_SESSION,
    FILTER_PRODUCT, /* of the entry, or of any of its items */
    FILTER_WHERE,
    FILTER_SINCE,
    FILTER_UNTIL,
    FILTER_OPTION_NEXT,
};

/* For the option table of a command that filters, and for its help. */
#define FILTER_OPTIONS                                                        \
    {"event", required_argument, NULL, FILTER_EVENT},                         \
        {"category", required_argument, NULL, FILTER_CATEGORY},               \
        {"client", required_argument, NULL, FILTER_CLIENT},                   \
        {"session", required_argument, NULL, FILTER_SESSION},                 \
        {"product", required_argument, NULL, FILTER_PRODUCT},                 \
        {"where", required_argument, NULL, FILTER_WHERE},                     \
        {"since", required_argument, NULL, FILTER_SINCE},                     \
        {"until", required_argument, NULL, FILTER_UNTIL}

#define FILTER_HELP                                                           \
    "  --event NAME      entries of this eventName\n"                         \
    "  --category NAME   of this logCategory\n"                               \
    "  --client ID       of this clientId\n"                                  \
    "  --session ID      of this sessionId\n"                                 \
    "  --product ID      of this productId, also among their items\n"         \
    "  --where F=VALUE   whose field F is VALUE; F may be a path:\n"          \
    "                    props.size, items.0.price\n"                         \
    "  --since TIME      received at TIME or later: 2h30m (ago), or\n"        \
    "                    2026-01-02T03:04:05Z\n"                              \
    "  --until TIME      received at TIME or earlier\n"                       \
    "\n"                                                                      \
    "One option given several times takes any of its values (--where: all\n"  \
    "of them); different options must all agree.\n"

struct filter_condition {
    int option;
    const char *path; /* with dots; borrowed from the command line */
    size_t path_len;
    const char *value;
};

struct filter {
    int64_t since; /* ms; both ends are wanted */
    int64_t until;
    size_t count;
    struct filter_condition conditions[FILTER_CONDITIONS_MAX];
};

/** filter_init(): a filter that wants everything. */
void filter_init(struct filter *filter);

/** filter_is_option(): whether getopt's @option belongs here. */
bool filter_is_option(int option);

/**
 * filter_option(): take one of FILTER_OPTIONS; @now is in ms since 1970.
 *
 * Return: NULL, or what is wrong with @value.
 */
const char *filter_option(struct filter *filter, int option,
                          const char *value, int64_t now);

/** filter_is_open(): whether it wants everything. */
bool filter_is_open(const struct filter *filter);

/** filter_takes_time(): whether an entry received at @ts may be wanted. */
bool filter_takes_time(const struct filter *filter, int64_t ts);

/** filter_agrees(): whether an entry, time aside, is wanted. */
bool filter_agrees(const struct filter *filter, struct slice entry);

/** filter_wants(): judge a good line, its newline included. */
bool filter_wants(const struct filter *filter, const char *line, size_t len);
