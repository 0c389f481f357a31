#include "shipper/ctl/dead.h"

#include "shipper/ctl/ctl.h"

/* In the order of --help. */
static const struct command *const subcommands[] = {
    &command_dead_ls,    &command_dead_show, &command_dead_export,
    &command_dead_retry, &command_dead_drop, NULL,
};

static int
dead_run(struct ctl *ctl, int argc, char **argv)
{
    static const struct option known[] = {CTL_OPTIONS, {NULL, 0, NULL, 0}};
    const struct command *subcommand;
    int c, code;

    /* '+': what follows the subcommand is its own. */
    while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        code = ctl_option(ctl, &command_dead, c);
        if (code >= 0)
            return code;
    }
    if (optind == argc)
        return ctl_usage(&command_dead, "dead needs one of its commands");
    subcommand = ctl_find(subcommands, argv[optind]);
    if (!subcommand)
        return CTL_USAGE;
    return ctl_run(ctl, subcommand, argc - optind, argv + optind);
}

const struct command command_dead = {
    .name = "dead",
    .arguments = "COMMAND [ARGUMENT]...",
    .about = "The dead letters: entries that cannot be delivered, and why",
    .help = "  ls                list them\n"
            "  show NAME         one of them, whole\n"
            "  export            their entries, verbatim, one a line\n"
            "  retry NAME...     have shipper send them once more\n"
            "  drop NAME...      give them up for good\n"
            "\n"
            "Each has a --help of its own. NAME is SEGMENT:OFFSET, as ls "
            "prints it, or an\n"
            "eventId.\n",
    .run = dead_run,
};
