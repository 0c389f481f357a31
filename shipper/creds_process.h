#pragma once

#include <stdint.h>
#include <uv.h>

/*
 * credential_process: a program whose standard output is keys.  Its command
 * line is split as a shell would (quotes, backslashes), but no shell runs.
 * What it prints is never logged; of what it complains, the first line is.
 */
enum {
    CREDS_PROCESS_OUTPUT_MAX = 64 * 1024,
    CREDS_PROCESS_TIMEOUT_MS = 30 * 1000,
    CREDS_PROCESS_ARGS_MAX = 64,
};

struct creds_process;

/** What came of it; borrowed during done(), and wiped after. */
struct creds_printed {
    const char *error;                       /* NULL: there are keys */
    const char *access_key, *secret, *token; /* token: or NULL */
    int64_t expires_ms;                      /* 0: never */
};

/**
 * creds_process_start(): done() runs once, from the loop, never from inside;
 * then @process is gone.
 *
 * Return: 0, or a negative errno: it could not be started.
 */
int creds_process_start(struct creds_process **process, uv_loop_t *loop,
                        const char *command,
                        void (*done)(void *owner,
                                     const struct creds_printed *printed),
                        void *owner);

/** creds_process_cancel(): the program is killed, done() does not run. */
void creds_process_cancel(struct creds_process *process);
