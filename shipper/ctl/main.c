#include "common/program.h"
#include "common/settings_value.h"
#include "shipper/ctl/ctl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order of --help. */
static const struct command *const commands[] = {
    &command_status,     &command_ls,       &command_tail,
    &command_cat,        &command_verify,   &command_audit,
    &command_cloudwatch, &command_insights, &command_trace,
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };
enum { OPTION_VERSION = CTL_OPTION_NEXT };
enum { SLIPS_MAX = 2 }; /* of the hand, for a guess at what was meant */

static void
usage(FILE *to)
{
    fputs("Usage: clickspoolctl [OPTION]... COMMAND [ARGUMENT]...\n"
          "Look at the spool, the daemons and what became of the entries.\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
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

static const struct command *
find(const char *name)
{
    const struct command *best = commands[0];

    for (size_t i = 0; i < COMMANDS; i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
        if (settings_distance(name, commands[i]->name) <
            settings_distance(name, best->name))
            best = commands[i];
    }
    fprintf(stderr, "clickspoolctl: unknown command \"%s\"", name);
    if (settings_distance(name, best->name) <= SLIPS_MAX)
        fprintf(stderr, ": did you mean \"%s\"?\n", best->name);
    else
        fputs("\nTry clickspoolctl --help\n", stderr);
    return NULL;
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
    char name[64];
    int at, code;

    code = common_options(ctl, argc, argv, &at);
    if (code >= 0)
        return code;
    if (at == argc) {
        usage(stderr);
        return CTL_USAGE;
    }
    command = find(argv[at]);
    if (!command)
        return CTL_USAGE;

    /* getopt_long() begins its complaints with argv[0]. */
    (void)snprintf(name, sizeof(name), "clickspoolctl %s", command->name);
    argv[at] = name;
    optind = 0;
    code = command->run(ctl, argc - at, argv + at);
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
