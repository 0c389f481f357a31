#pragma once

#include "common/settings.h"

/*
 * What the two daemons' main() share: the command line, --check,
 * --print-config, the log, and exit codes after sysexits(3).
 */
struct program {
    const char *name;
    const char *about; /* one line, for --help */

    /* Judges what only this program understands; settings_complain()s. */
    void (*check)(struct settings *settings);

    /* Runs the daemon until it is told to stop; an exit code. */
    int (*run)(struct settings *settings, const char *config);
};

#define PROGRAM_CONFIG "/etc/clickspool/clickspool.conf"

int program_main(const struct program *program, int argc, char **argv);

/**
 * program_reload(): the file anew, judged as at the start, with the values
 * that cannot change kept; for SIGHUP.
 *
 * Return: 0 with *@fresh for settings_free(), or -EINVAL: keep the old ones.
 */
int program_reload(void (*check)(struct settings *settings), const char *config,
                   const struct settings *running, struct settings *fresh);
