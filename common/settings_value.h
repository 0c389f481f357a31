#pragma once

#include <stddef.h>

struct buf;

/*
 * Text to a setting's value and back; pure.
 */
enum settings_type {
    SETTINGS_TEXT,
    SETTINGS_WORDS,
    SETTINGS_SIZE,
    SETTINGS_TIME,
    SETTINGS_COUNT,
    SETTINGS_DECIMAL,
    SETTINGS_FLAG,
    SETTINGS_CHOICE,
};

struct settings_kind {
    enum settings_type type;
    const char *range; /* as settings_table.h describes */
};

enum { SETTINGS_WHY_SIZE = 160 };

/**
 * settings_value_parse(): @text into the member at @value (char *, int64_t,
 * double or bool, as the type says).  A char * there is freed and replaced.
 *
 * Return: 0; -EINVAL with what would be right in @why; or -ENOMEM.
 */
int settings_value_parse(const struct settings_kind *kind, const char *text,
                         void *value, char why[SETTINGS_WHY_SIZE]);

/** settings_value_print(): in the form that the parser reads. */
void settings_value_print(const struct settings_kind *kind, const void *value,
                          struct buf *out);

int settings_value_equal(const struct settings_kind *kind, const void *a,
                         const void *b);

/** settings_value_copy(): *@to becomes @from; a char * there is replaced. */
int settings_value_copy(const struct settings_kind *kind, void *to,
                        const void *from);

void settings_value_free(const struct settings_kind *kind, void *value);

/** settings_distance(): how many slips of the hand part two names. */
size_t settings_distance(const char *a, const char *b);
