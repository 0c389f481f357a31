#include "shipper/ctl/ctl.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/program.h"
#include "common/settings_value.h"
#include "common/spool.h"
#include "shipper/ctl/as_shipper.h"
#include "shipper/ctl/filter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SLIPS_MAX = 2, /* of the hand, for a guess at what was meant */
    NAME_SIZE = 64,
};

static void
help(const struct command *command)
{
    printf("Usage: clickspoolctl %s%s%s\n%s.\n\n%s", command->name,
           *command->arguments ? " " : "", command->arguments, command->about,
           command->help);
    if (*command->help)
        putchar('\n');
    if (command->calls_aws)
        fputs(
            "  --as-shipper      with the credentials of the running shipper; "
            "for root\n",
            stdout);
    fputs("  --config FILE     read FILE instead of " PROGRAM_CONFIG "\n"
          "  --dir DIR         the spool's folder, whatever the "
          "configuration says\n"
          "  --json            JSON: one object, or one a line\n"
          "  --help            show this\n",
          stdout);
}

int
ctl_option(struct ctl *ctl, const struct command *command, int option)
{
    switch (option) {
    case CTL_OPTION_CONFIG:
        ctl->config = optarg;
        ctl->config_given = true;
        return -1;
    case CTL_OPTION_DIR:
        ctl->dir = optarg;
        return -1;
    case CTL_OPTION_JSON:
        ctl->json = true;
        return -1;
    case CTL_OPTION_AS_SHIPPER:
        ctl->as_shipper = true;
        return -1;
    case CTL_OPTION_HELP:
        help(command);
        return CTL_OK;
    default:
        fprintf(stderr, "Try clickspoolctl %s --help\n", command->name);
        return CTL_USAGE;
    }
}

int
ctl_options(struct ctl *ctl, const struct command *command, int argc,
            char **argv)
{
    static const struct option known[] = {CTL_OPTIONS, {NULL, 0, NULL, 0}};
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = ctl_option(ctl, command, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(command, "%s: no arguments are taken", argv[optind]);
    return -1;
}

int
ctl_filter_option(struct ctl *ctl, const struct command *command,
                  struct filter *filter, int option)
{
    const char *wrong;

    if (!filter_is_option(option))
        return ctl_option(ctl, command, option);
    wrong = filter_option(filter, option, optarg, clock_wall_ms());
    return wrong ? ctl_usage(command, "\"%s\" %s", optarg, wrong) : -1;
}

static const char *
last_word(const struct command *command)
{
    const char *blank = strrchr(command->name, ' ');

    return blank ? blank + 1 : command->name;
}

const struct command *
ctl_find(const struct command *const *commands, const char *word)
{
    const char *best = last_word(commands[0]);

    for (; *commands; commands++) {
        const char *name = last_word(*commands);

        if (!strcmp(name, word))
            return *commands;
        if (settings_distance(word, name) < settings_distance(word, best))
            best = name;
    }
    fprintf(stderr, "clickspoolctl: unknown command \"%s\"", word);
    if (settings_distance(word, best) <= SLIPS_MAX)
        fprintf(stderr, ": did you mean \"%s\"?\n", best);
    else
        fputs("\nTry clickspoolctl --help\n", stderr);
    return NULL;
}

int
ctl_run(struct ctl *ctl, const struct command *command, int argc, char **argv)
{
    char name[NAME_SIZE];

    /* getopt_long() begins its complaints with argv[0]. */
    (void)snprintf(name, sizeof(name), "clickspoolctl %s", command->name);
    argv[0] = name;
    optind = 0;
    return command->run(ctl, argc, argv);
}

int
ctl_usage(const struct command *command, const char *format, ...)
{
    va_list args;

    fputs("clickspoolctl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry clickspoolctl %s --help\n", command->name);
    return CTL_USAGE;
}

static int
load(struct ctl *ctl)
{
    if (access(ctl->config, R_OK) < 0 && errno == EACCES)
        return ctl_fail(ctl, ctl->config, -EACCES);
    ctl->opened = true;
    ctl->dirfd = -1;
    if (settings_load_quietly(&ctl->settings, ctl->config, ctl->config_given) <
        0)
        return CTL_CONFIG;
    return CTL_OK;
}

int
ctl_configure(struct ctl *ctl)
{
    int code = load(ctl);

    if (code || !ctl->as_shipper)
        return code;
    code = as_shipper(ctl);
    /* Of whom it is now, or nobody's: no command goes on as the caller. */
    settings_free(&ctl->settings);
    ctl->opened = false;
    return code ? code : load(ctl);
}

int
ctl_open(struct ctl *ctl)
{
    int code = ctl_configure(ctl);

    if (code)
        return code;
    if (!ctl->dir)
        ctl->dir = ctl->settings.spool.dir;
    ctl->dirfd = fileio_open_dir(ctl->dir);
    return ctl->dirfd < 0 ? ctl_fail(ctl, "cannot be opened", ctl->dirfd) : 0;
}

void
ctl_close(struct ctl *ctl)
{
    if (!ctl->opened)
        return;
    if (ctl->dirfd >= 0)
        (void)close(ctl->dirfd);
    settings_free(&ctl->settings);
}

int
ctl_fail(const struct ctl *ctl, const char *what, int error)
{
    bool unknown = error == SPOOL_UNKNOWN || error == -EPROTO;

    fprintf(stderr, "clickspoolctl: %s%s%s: %s\n", ctl->dir ? ctl->dir : "",
            ctl->dir ? ": " : "", what,
            unknown ? "of a version that this program does not know"
                    : strerror(-error));
    return unknown ? CTL_CONFIG : CTL_UNREACHABLE;
}
