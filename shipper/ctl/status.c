#include "shipper/ctl/ctl.h"
#include "shipper/ctl/overview.h"
#include "shipper/ctl/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_WATCH = CTL_OPTION_NEXT, WATCH_MAX = 86400 };

static int
parse(struct ctl *ctl, int *watch, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        {"watch", required_argument, NULL, OPTION_WATCH},
        {NULL, 0, NULL, 0},
    };
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_WATCH) {
            size_t digits = strspn(optarg, "0123456789");

            *watch = digits && digits < 6 && !optarg[digits] ? atoi(optarg) : 0;
            if (*watch < 1 || *watch > WATCH_MAX)
                return ctl_usage(&command_status,
                                 "\"%s\" is no number of seconds, 1 to %d",
                                 optarg, WATCH_MAX);
            continue;
        }
        code = ctl_option(ctl, &command_status, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(&command_status, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static int
status_run(struct ctl *ctl, int argc, char **argv)
{
    struct overview overview = {0};
    int watch = 0, code;

    code = parse(ctl, &watch, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    while (!code) {
        code = overview_read(&overview, ctl);
        if (code)
            break;
        overview_ask(&overview, ctl);
        if (watch && !ctl->json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout);
        if (ctl->json)
            overview_print_json(&overview, ctl);
        else
            overview_print(&overview, ctl);
        if (!watch || fflush(stdout) == EOF || !print_wait(watch * 1000))
            break;
        if (!ctl->json && !isatty(STDOUT_FILENO))
            putchar('\n');
        overview_deinit(&overview);
    }
    if (!code && (overview.letters.entries || overview.letters.runs))
        code = CTL_FINDINGS;
    overview_deinit(&overview);
    return code;
}

const struct command command_status = {
    .name = "status",
    .arguments = "[--watch N]",
    .about = "How ingest, shipper, the spool and the disk are doing",
    .help =
        "  --watch N         again each N seconds, until it is interrupted\n"
        "\n"
        "Locks tell who runs, checkpoint.json what was shipped, "
        "shipper.status.json how\nshipping goes; ingest, where it runs, "
        "is asked at [listen] admin for what it\ntakes and how long that "
        "takes. Exit code 1 where there are dead letters that\nnobody "
        "has resolved.\n",
    .run = status_run,
};
