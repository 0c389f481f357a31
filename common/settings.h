#pragma once

#include "common/settings_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The configuration of all three programs: one INI file, an environment that
 * overrides it (CLICKSPOOL_<SECTION>_<KEY>), and defaults.  A value's members
 * are typed as its line in settings_table.h says.
 *
 * The file: `[section]`, `key = value`, empty lines; `#` or `;` begins a
 * comment at the start of a line or after white space.  A value in double
 * quotes is taken as it stands between them.
 */
#define SETTINGS_C_TEXT char *
#define SETTINGS_C_WORDS char *
#define SETTINGS_C_SIZE int64_t
#define SETTINGS_C_TIME int64_t
#define SETTINGS_C_COUNT int64_t
#define SETTINGS_C_DECIMAL double
#define SETTINGS_C_FLAG bool
#define SETTINGS_C_CHOICE int64_t

#define SETTINGS_MEMBER(section, key, type, ...) SETTINGS_C_##type key;
#define SETTINGS_STRUCT(section, keys)                                         \
    struct {                                                                   \
        keys(SETTINGS_MEMBER)                                                  \
    } section;
#define SETTINGS_COUNT_ONE(...) +1
#define SETTINGS_COUNT_KEYS(section, keys) keys(SETTINGS_COUNT_ONE)

enum { SETTINGS_KEYS = 0 SETTINGS_SECTIONS(SETTINGS_COUNT_KEYS) };

/* Where a value comes from: file and line, the environment, or neither. */
struct settings_origin {
    const char *file; /* borrowed from settings_load()'s caller */
    unsigned line;    /* 0: not from a file */
    bool environment;
};

struct settings {
    SETTINGS_SECTIONS(SETTINGS_STRUCT)
    struct settings_origin origins[SETTINGS_KEYS];
    unsigned errors; /* complaints so far */
    unsigned warnings;
    bool quiet; /* warnings are counted, not told */
};

/**
 * settings_load(): defaults, then @file, then the environment.  Each fault is
 * told on stderr with file, line, key and what would be right, and counted in
 * settings->errors; the key keeps its default.  A missing file is a fault only
 * where @file_required.  settings_free() is due in any case.
 *
 * Return: 0 without errors, or -EINVAL.
 */
int settings_load(struct settings *settings, const char *file,
                  bool file_required);

/**
 * settings_load_quietly(): the same without warnings, for a program that looks
 * at the daemons' configuration from outside.
 */
int settings_load_quietly(struct settings *settings, const char *file,
                          bool file_required);

void settings_free(struct settings *settings);

/**
 * settings_complain(), settings_warn(): what a module finds wrong with the
 * value of "section.key", told with the place that it came from.
 */
void settings_complain(struct settings *settings, const char *key,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void settings_warn(struct settings *settings, const char *key,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** settings_is_default(): nobody set "section.key". */
bool settings_is_default(const struct settings *settings, const char *key);

/** settings_print(): the effective values and their origins, on stdout. */
void settings_print(const struct settings *settings);

/**
 * settings_keep_fixed(): for a reload, put the values of @running that cannot
 * change while the program runs into @fresh, with a notice for each that
 * differs.
 */
void settings_keep_fixed(struct settings *fresh,
                         const struct settings *running);

/**
 * settings_word(): the next word of a WORDS value; *@words moves behind it.
 *
 * Return: its start, with *@len, or NULL at the end.
 */
const char *settings_word(const char **words, size_t *len);
