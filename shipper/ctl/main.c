#include "common/program.h"
#include "shipper/ctl/ctl.h"

#include <signal.h>
#include <stdio.h>

/* In the order of --help. */
static const struct command *const commands[] = {
    &command_status,     &command_ls,       &command_tail,  &command_cat,
    &command_stats,      &command_verify,   &command_audit, &command_dead,
    &command_cloudwatch, &command_insights, &command_trace, &command_replay,
    &command_drain,      &command_health,   &command_send,  &command_refused,
    &command_types,      &command_doctor,   NULL,
};

enum { OPTION_VERSION = CTL_OPTION_NEXT };

static void
usage(FILE *to)
{
    fputs("Usage: clickspoolctl [OPTION]... COMMAND [ARGUMENT]...\n"
          "Look at the spool, the daemons and what became of the entries.\n\n",
          to);
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->about);
    fputs("\n  --config FILE  read FILE instead of " PROGRAM_CONFIG "\n"
          "  --dir DIR      the spool's folder, whatever the configuration "
          "says\n"
          "  --json         JSON: one object, or one a line\n"
          "  --help         show this, or the help of a COMMAND\n"
          "  --version      show the version\n\n"
          "Exit codes: 0 fine, 1 findings, 2 usage, 3 not reachable or not\n"
          "permitted, 5 corrupt, 78 a bad configuration or an unknown "
          "version.\n",
          to);
}

/* The command stands at *@at.  Return: -1 to go on, else the exit code. */
static int
common_options(struct ctl *ctl, int argc, char **argv, int *at)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    static const struct command none = {.name = "", .arguments = ""};
    int c;

    /* '+': what follows the command is the command's own. */
    while ((c = getopt_long(argc, argv, "+h", known, NULL)) != -1) {
        if (c == 'h' || c == CTL_OPTION_HELP) {
            usage(stdout);
            return CTL_OK;
        }
        if (c == OPTION_VERSION) {
            printf("clickspoolctl %s\n", CLICKSPOOL_VERSION);
            return CTL_OK;
        }
        if (c == '?') {
            fputs("Try clickspoolctl --help\n", stderr);
            return CTL_USAGE;
        }
        (void)ctl_option(ctl, &none, c);
    }
    *at = optind;
    return -1;
}

static int
run(struct ctl *ctl, int argc, char **argv)
{
    const struct command *command;
    int at, code;

    code = common_options(ctl, argc, argv, &at);
    if (code >= 0)
        return code;
    if (at == argc) {
        usage(stderr);
        return CTL_USAGE;
    }
    command = ctl_find(commands, argv[at]);
    if (!command)
        return CTL_USAGE;

    code = ctl_run(ctl, command, argc - at, argv + at);
    ctl_close(ctl);
    return code;
}

int
main(int argc, char **argv)
{
    struct ctl ctl = {.config = PROGRAM_CONFIG, .dirfd = -1};
    int code;

    /* A reader that has seen enough ends us, as it ends cat(1). */
    (void)signal(SIGPIPE, SIG_DFL);

    code = run(&ctl, argc, argv);
    if (fflush(stdout) == EOF || ferror(stdout)) {
        fputs("clickspoolctl: standard output cannot be written\n", stderr);
        return CTL_UNREACHABLE;
    }
    return code;
}
