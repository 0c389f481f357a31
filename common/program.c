#include "common/program.h"

#include "common/fileio.h"
#include "common/log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

struct options {
    const char *config;
    bool config_given;
    bool check;
    bool print;
};

static void
usage(FILE *to, const struct program *program)
{
    fprintf(to,
            "Usage: %s [OPTION]...\n"
            "%s\n\n"
            "  --config FILE   read FILE instead of " PROGRAM_CONFIG "\n"
            "  --check         judge the configuration: exit 0, or 78 with\n"
            "                  each fault on stderr\n"
            "  --print-config  show the values in force and their origins\n"
            "  --help          show this\n"
            "  --version       show the version\n\n"
            "CLICKSPOOL_<SECTION>_<KEY> in the environment overrides the "
            "file.\n",
            program->name, program->about);
}

/* Return: -1 to go on, else the exit code. */
static int
parse_options(const struct program *program, int argc, char **argv,
              struct options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"print-config", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int c;

    *options = (struct options){.config = PROGRAM_CONFIG};
    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config = optarg;
            options->config_given = true;
            break;
        case 'k':
            options->check = true;
            break;
        case 'p':
            options->print = true;
            break;
        case 'h':
            usage(stdout, program);
            return EX_OK;
        case 'v':
            printf("%s %s\n", program->name, CLICKSPOOL_VERSION);
            return EX_OK;
        default:
            fprintf(stderr, "Try %s --help\n", program->name);
            return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: %s: no arguments are taken\n", program->name,
                argv[optind]);
        return EX_USAGE;
    }
    return -1;
}

static int
with_settings(const struct program *program, const struct options *options,
              struct settings *settings)
{
    (void)settings_load(settings, options->config, options->config_given);
    program->check(settings);
    if (settings->errors)
        return EX_CONFIG;
    if (options->print)
        settings_print(settings);
    if (options->check && !options->print)
        printf("%s: the configuration is good\n", options->config);
    if (options->check || options->print)
        return EX_OK;

    log_setup((enum log_level)settings->log.level,
              (enum log_format)settings->log.format);
    return program->run(settings, options->config);
}

int
program_main(const struct program *program, int argc, char **argv)
{
    struct settings settings;
    struct options options;
    int code;

    /* A peer that went away is an error of write(), not of the process; and
     * nothing that was in memory ends up in a core file. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    fileio_umask();

    code = parse_options(program, argc, argv, &options);
    if (code >= 0)
        return code;
    code = with_settings(program, &options, &settings);
    settings_free(&settings);
    return code;
}

int
program_reload(void (*check)(struct settings *settings), const char *config,
               const struct settings *running, struct settings *fresh)
{
    /* A file that was there at the start may not vanish unnoticed. */
    bool required =
        access(config, F_OK) == 0 || strcmp(config, PROGRAM_CONFIG) != 0;

    if (settings_load(fresh, config, required) == 0)
        check(fresh);
    if (fresh->errors) {
        settings_free(fresh);
        log_error("reload_refused", log_text("config", config),
                  log_int("faults", fresh->errors), );
        return -EINVAL;
    }
    settings_keep_fixed(fresh, running);
    return 0;
}
