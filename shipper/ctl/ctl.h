#pragma once

#include <getopt.h>
#include <stdbool.h>

#include "common/settings.h"

/*
 * What the commands of clickspoolctl share: the options that all of them
 * take, the way to the spool, and the exit codes.
 */
enum ctl_exit {
    CTL_OK = 0,
    CTL_FINDINGS = 1,
    CTL_USAGE = 2,
    CTL_UNREACHABLE = 3, /* not reachable or not permitted */
    CTL_CORRUPT = 5,
    CTL_CONFIG = 78, /* a bad configuration, or a version we do not know */
};

struct filter;

struct ctl {
    const char *config;
    bool config_given;
    const char *dir; /* --dir, or NULL; after ctl_open() the spool's folder */
    bool json;
    bool as_shipper; /* calls of AWS are made with shipper's credentials */

    bool opened;
    struct settings settings; /* from ctl_open() on */
    int dirfd;
};

/* A command's place is one file and a line in the table of main.c. */
struct command {
    const char *name; /* "dead ls" is the subcommand "ls" */
    const char *arguments; /* behind the name, for usage */
    const char *about;     /* one line */
    const char *help;      /* its options and whatever else there is to say */
    bool calls_aws;        /* so it has CTL_AWS_OPTIONS */

    /* argv[0] is the command; getopt_long() begins anew.  Return: the exit
     * code. */
    int (*run)(struct ctl *ctl, int argc, char **argv);
};

extern const struct command command_audit;
extern const struct command command_cat;
extern const struct command command_cloudwatch;
extern const struct command command_dead;
extern const struct command command_doctor;
extern const struct command command_drain;
extern const struct command command_health;
extern const struct command command_insights;
extern const struct command command_ls;
extern const struct command command_refused;
extern const struct command command_replay;
extern const struct command command_send;
extern const struct command command_stats;
extern const struct command command_status;
extern const struct command command_tail;
extern const struct command command_trace;
extern const struct command command_types;
extern const struct command command_verify;

enum {
    CTL_OPTION_CONFIG = 256,
    CTL_OPTION_DIR,
    CTL_OPTION_JSON,
    CTL_OPTION_HELP,
    CTL_OPTION_AS_SHIPPER,
    CTL_OPTION_NEXT,
};

/* For every command's option table. */
#define CTL_OPTIONS                                                           \
    {"config", required_argument, NULL, CTL_OPTION_CONFIG},                   \
        {"dir", required_argument, NULL, CTL_OPTION_DIR},                     \
        {"json", no_argument, NULL, CTL_OPTION_JSON},                         \
        {"help", no_argument, NULL, CTL_OPTION_HELP}

/* For those that call AWS. */
#define CTL_AWS_OPTIONS                                                       \
    CTL_OPTIONS, {"as-shipper", no_argument, NULL, CTL_OPTION_AS_SHIPPER}

/**
 * ctl_option(): deal with what getopt_long() returned and the command does
 * not know itself.
 *
 * Return: -1 to go on, else the exit code.
 */
int ctl_option(struct ctl *ctl, const struct command *command, int option);

/**
 * ctl_options(): the whole loop, for a command that has only CTL_OPTIONS and
 * takes no operands.
 */
int ctl_options(struct ctl *ctl, const struct command *command, int argc,
                char **argv);

/**
 * ctl_filter_option(): the same for a command that has FILTER_OPTIONS too.
 */
int ctl_filter_option(struct ctl *ctl, const struct command *command,
                      struct filter *filter, int option);

/**
 * ctl_find(): the command, or subcommand, that is called @word; @commands end
 * with NULL.
 *
 * Return: NULL where there is none, told with a guess at what was meant.
 */
const struct command *ctl_find(const struct command *const *commands,
                               const char *word);

/** ctl_run(): run a command whose word is argv[0]. Return: the exit code. */
int ctl_run(struct ctl *ctl, const struct command *command, int argc,
            char **argv);

/** ctl_usage(): complain, point at --help. Return: CTL_USAGE. */
int ctl_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** ctl_configure(): the settings alone, for what needs no spool; with
 * --as-shipper this is where root becomes shipper. */
int ctl_configure(struct ctl *ctl);

/** ctl_open(): settings and spool. Return: 0, or an exit code, all told. */
int ctl_open(struct ctl *ctl);
void ctl_close(struct ctl *ctl);

/**
 * ctl_fail(): tell that @what could not be done, because of a negative errno
 * or SPOOL_UNKNOWN.
 *
 * Return: the exit code for it.
 */
int ctl_fail(const struct ctl *ctl, const char *what, int error);
