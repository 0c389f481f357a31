#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Checks for tests in C: the first that fails tells where, and both values,
 * and ends the test.
 */
#define CHECK(condition)                                                      \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#define CHECK_INT(got, wanted)                                                \
    check_int(__FILE__, __LINE__, #got, (intmax_t)(got), (intmax_t)(wanted))

#define CHECK_STR(got, wanted)                                                \
    check_str(__FILE__, __LINE__, #got, got, wanted)

static inline void
check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

static inline void
check_int(const char *file, int line, const char *what, intmax_t got,
          intmax_t wanted)
{
    if (got == wanted)
        return;
    fprintf(stderr, "%s:%d: %s is %" PRIdMAX ", not %" PRIdMAX "\n", file,
            line, what, got, wanted);
    abort();
}

static inline void
check_str(const char *file, int line, const char *what, const char *got,
          const char *wanted)
{
    if (got && !strcmp(got, wanted))
        return;
    fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, what,
            got ? got : "(null)", wanted);
    abort();
}
