#include "common/settings_value.h"

#include "common/buf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Falling, so that the first that divides a value prints it shortest. */
static const struct unit size_units[] = {
    {"GiB", INT64_C(1) << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"", 1},
    {NULL, 0},
};
static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000},
    {"s", 1000},     {"ms", 1},      {NULL, 0},
};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *
units_of(enum settings_type type)
{
    return type == SETTINGS_SIZE   ? size_units
           : type == SETTINGS_TIME ? time_units
                                   : count_units;
}

static const char *
form_of(enum settings_type type)
{
    return type == SETTINGS_SIZE   ? "a size like 512KiB, 64MiB or 1GiB"
           : type == SETTINGS_TIME ? "a time like 500ms, 10s, 5m, 24h or 7d"
                                   : "a whole number";
}

static int
parse_number(enum settings_type type, const char *text, int64_t *value)
{
    const struct unit *unit = units_of(type);
    int64_t number;
    char *end;

    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno)
        return -EINVAL;
    while (*end == ' ')
        end++;
    if (!number && !*end) {
        *value = 0; /* none is none in any unit */
        return 0;
    }
    for (; unit->name; unit++)
        if (!strcmp(end, unit->name))
            return __builtin_mul_overflow(number, unit->factor, value) ? -EINVAL
                                                                       : 0;
    return -EINVAL;
}

static int
parse_ranged(const struct settings_kind *kind, const char *text, int64_t *value,
             char *why)
{
    const char *dots = strstr(kind->range, "..");
    char least_text[32];
    int64_t parsed, least, most;

    if (parse_number(kind->type, text, &parsed) < 0) {
        (void)snprintf(why, SETTINGS_WHY_SIZE, "give %s", form_of(kind->type));
        return -EINVAL;
    }

    (void)snprintf(least_text, sizeof(least_text), "%.*s",
                   (int)(dots - kind->range), kind->range);
    if (parse_number(kind->type, least_text, &least) < 0 ||
        parse_number(kind->type, dots + 2, &most) < 0)
        abort(); /* the table is wrong */
    if (parsed < least || parsed > most) {
        (void)snprintf(why, SETTINGS_WHY_SIZE, "give %s to %s", least_text,
                       dots + 2);
        return -EINVAL;
    }
    *value = parsed;
    return 0;
}

static int
parse_decimal(const struct settings_kind *kind, const char *text, double *value,
              char *why)
{
    double least = (double)strtol(kind->range, NULL, 10);
    double most = (double)strtol(strstr(kind->range, "..") + 2, NULL, 10);
    double parsed;
    char *end;

    parsed = strtod(text, &end);
    if (end == text || *end || !(parsed >= least && parsed <= most) ||
        strpbrk(text, "xXnN")) {
        (void)snprintf(why, SETTINGS_WHY_SIZE, "give a number from %g to %g",
                       least, most);
        return -EINVAL;
    }
    *value = parsed;
    return 0;
}

static int
parse_choice(const struct settings_kind *kind, const char *text, int64_t *value,
             char *why)
{
    const char *word = kind->range;
    size_t len;

    for (int64_t i = 0;; i++, word += len + 1) {
        len = strcspn(word, "|");
        if (len == strlen(text) && !memcmp(word, text, len)) {
            *value = i;
            return 0;
        }
        if (!word[len])
            break;
    }
    (void)snprintf(why, SETTINGS_WHY_SIZE, "give one of %s", kind->range);
    return -EINVAL;
}

static int
parse_flag(const char *text, bool *value, char *why)
{
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   "0",  "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (!strcmp(words[i], text)) {
            *value = i % 2;
            return 0;
        }
    (void)snprintf(why, SETTINGS_WHY_SIZE, "give true or false");
    return -EINVAL;
}

static int
replace_text(char **value, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*value);
    *value = copy;
    return 0;
}

int
settings_value_parse(const struct settings_kind *kind, const char *text,
                     void *value, char why[SETTINGS_WHY_SIZE])
{
    switch (kind->type) {
    case SETTINGS_TEXT:
    case SETTINGS_WORDS:
        (void)snprintf(why, SETTINGS_WHY_SIZE, "out of memory");
        return replace_text(value, text);
    case SETTINGS_SIZE:
    case SETTINGS_TIME:
    case SETTINGS_COUNT:
        return parse_ranged(kind, text, value, why);
    case SETTINGS_DECIMAL:
        return parse_decimal(kind, text, value, why);
    case SETTINGS_FLAG:
        return parse_flag(text, value, why);
    case SETTINGS_CHOICE:
        return parse_choice(kind, text, value, why);
    }
    abort();
}

static void
print_number(enum settings_type type, int64_t number, struct buf *out)
{
    const struct unit *unit = units_of(type);

    if (!number) {
        (void)buf_putc(out, '0');
        return;
    }
    while (number % unit->factor)
        unit++;
    (void)buf_printf(out, "%" PRId64 "%s", number / unit->factor, unit->name);
}

static void
print_choice(const char *words, int64_t index, struct buf *out)
{
    while (index--)
        words += strcspn(words, "|") + 1;
    (void)buf_append(out, words, strcspn(words, "|"));
}

/* What the parser would take for a comment or trim must stand in quotes; what
 * has a quote within cannot, as the first one would end it. */
static void
print_text(const char *text, struct buf *out)
{
    size_t len = strlen(text);
    bool quoted = !strchr(text, '"') &&
                  (strpbrk(text, ";#") ||
                   (len && (isspace((unsigned char)text[0]) ||
                            isspace((unsigned char)text[len - 1]))));

    (void)buf_printf(out, quoted ? "\"%s\"" : "%s", text);
}

void
settings_value_print(const struct settings_kind *kind, const void *value,
                     struct buf *out)
{
    switch (kind->type) {
    case SETTINGS_TEXT:
    case SETTINGS_WORDS:
        print_text(*(char *const *)value, out);
        break;
    case SETTINGS_SIZE:
    case SETTINGS_TIME:
    case SETTINGS_COUNT:
        print_number(kind->type, *(const int64_t *)value, out);
        break;
    case SETTINGS_DECIMAL:
        (void)buf_printf(out, "%.2f", *(const double *)value);
        break;
    case SETTINGS_FLAG:
        (void)buf_puts(out, *(const bool *)value ? "true" : "false");
        break;
    case SETTINGS_CHOICE:
        print_choice(kind->range, *(const int64_t *)value, out);
        break;
    }
}

static bool
is_text(const struct settings_kind *kind)
{
    return kind->type == SETTINGS_TEXT || kind->type == SETTINGS_WORDS;
}

static size_t
size_of(const struct settings_kind *kind)
{
    return kind->type == SETTINGS_FLAG      ? sizeof(bool)
           : kind->type == SETTINGS_DECIMAL ? sizeof(double)
                                            : sizeof(int64_t);
}

int
settings_value_equal(const struct settings_kind *kind, const void *a,
                     const void *b)
{
    return is_text(kind) ? !strcmp(*(char *const *)a, *(char *const *)b)
                         : !memcmp(a, b, size_of(kind));
}

int
settings_value_copy(const struct settings_kind *kind, void *to,
                    const void *from)
{
    if (is_text(kind))
        return replace_text(to, *(char *const *)from);
    memcpy(to, from, size_of(kind));
    return 0;
}

void
settings_value_free(const struct settings_kind *kind, void *value)
{
    if (is_text(kind)) {
        free(*(char **)value);
        *(char **)value = NULL;
    }
}

/* Names of settings are lower case; [LOG] is a slip of the hand like others. */
static bool
differ(char a, char b)
{
    return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/* Levenshtein's; two rows, as only the length of the way is asked. */
size_t
settings_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t rows[2][LONGEST + 1];
    size_t alen = strnlen(a, LONGEST), blen = strnlen(b, LONGEST);
    size_t *above = rows[0], *row = rows[1];

    for (size_t j = 0; j <= blen; j++)
        above[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        size_t *swap = above;

        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t best = above[j - 1] + differ(a[i - 1], b[j - 1]);

            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
        above = row;
        row = swap;
    }
    return above[blen];
}
