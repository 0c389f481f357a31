#pragma once

#include "shipper/ctl/filter.h"

#include <stdbool.h>

struct ctl;
struct command;
struct letter;
struct letter_line;

/*
 * The dead letters, each once, in the order in which they failed, as their
 * files are read.  What is wrong with a line of these files is told on stderr,
 * with file and line.
 */
struct dead_walk {
    struct filter filter; /* of their entries; a run of bad bytes has none, and
                             is wanted only where every entry is */
    bool all;             /* those that are resolved too */

    /* Told of each letter that is wanted; @line is good until it returns. */
    void (*each)(void *owner, const struct letter *letter,
                 const struct letter_line *line);
    void *owner;
};

/* For the option table of a subcommand that walks, and for its help. */
enum { DEAD_WALK_ALL = FILTER_OPTION_NEXT };

#define DEAD_WALK_OPTIONS                                                      \
    CTL_OPTIONS, FILTER_OPTIONS,                                               \
    {                                                                          \
        "all", no_argument, NULL, DEAD_WALK_ALL                                \
    }

#define DEAD_WALK_HELP                                                         \
    "  --all             those that were dropped or retried, "                 \
    "too\n" FILTER_HELP "\n"                                                   \
    "Filters are for entries: a run of bad bytes is passed over where one\n"   \
    "is given.\n"

/**
 * dead_walk_options(): the command line of a subcommand that takes these
 * options and no operands.
 *
 * Return: -1 to go on, else the exit code.
 */
int dead_walk_options(struct dead_walk *walk, struct ctl *ctl,
                      const struct command *command, int argc, char **argv);

/**
 * dead_walk(): opens the spool unless it is open, and goes over its letters.
 *
 * Return: an exit code, told; CTL_CORRUPT where a line was wrong.
 */
int dead_walk(const struct dead_walk *walk, struct ctl *ctl);
