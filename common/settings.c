#include "common/settings.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/log.h"
#include "common/settings_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RELOAD = 1 };
enum {
    SETTINGS_FILE_MAX = 1024 * 1024,
    SETTINGS_PRINT_MAX = 1024 * 1024,
};

struct setting {
    const char *section;
    const char *key;
    struct settings_kind kind;
    const char *initial;
    int flags;
    const char *about;
    size_t at; /* of the member in struct settings */
};

#define SETTING_ROW(section_, key_, type_, initial_, range_, flags_, about_)   \
    {#section_,                                                                \
     #key_,                                                                    \
     {SETTINGS_##type_, range_},                                               \
     initial_,                                                                 \
     flags_,                                                                   \
     about_,                                                                   \
     offsetof(struct settings, section_.key_)},
#define SETTING_ROWS(section, keys) keys(SETTING_ROW)

static const struct setting table[SETTINGS_KEYS] = {
    SETTINGS_SECTIONS(SETTING_ROWS)};

static void *
member(struct settings *settings, const struct setting *setting)
{
    return (char *)settings + setting->at;
}

static const void *
member_of(const struct settings *settings, const struct setting *setting)
{
    return (const char *)settings + setting->at;
}

static const struct setting *
find(const char *section, const char *key)
{
    for (size_t i = 0; i < SETTINGS_KEYS; i++)
        if (!strcmp(table[i].section, section) && !strcmp(table[i].key, key))
            return &table[i];
    return NULL;
}

/* "section.key", as the programs write it. */
static const struct setting *
find_dotted(const char *name)
{
    size_t len = strcspn(name, ".");

    for (size_t i = 0; i < SETTINGS_KEYS; i++)
        if (strlen(table[i].section) == len &&
            !memcmp(table[i].section, name, len) &&
            !strcmp(table[i].key, name + len + 1))
            return &table[i];
    assert(!"a setting of that name");
    return NULL;
}

static void
tell(const struct settings_origin *origin, const struct setting *setting,
     const char *format, va_list args)
{
    if (origin->line)
        fprintf(stderr, "%s:%u: ", origin->file, origin->line);
    else
        fprintf(stderr,
                "%s: ", origin->environment ? "environment" : "default");
    if (setting)
        fprintf(stderr, "[%s] %s: ", setting->section, setting->key);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

__attribute__((format(printf, 4, 5))) static void
fault(struct settings *settings, const struct settings_origin *origin,
      const struct setting *setting, const char *format, ...)
{
    va_list args;

    settings->errors++;
    va_start(args, format);
    tell(origin, setting, format, args);
    va_end(args);
}

void
settings_complain(struct settings *settings, const char *key,
                  const char *format, ...)
{
    const struct setting *setting = find_dotted(key);
    va_list args;

    settings->errors++;
    va_start(args, format);
    tell(&settings->origins[setting - table], setting, format, args);
    va_end(args);
}

void
settings_warn(struct settings *settings, const char *key, const char *format,
              ...)
{
    const struct setting *setting = find_dotted(key);
    va_list args;

    settings->warnings++;
    if (settings->quiet)
        return;
    fputs("warning: ", stderr);
    va_start(args, format);
    tell(&settings->origins[setting - table], setting, format, args);
    va_end(args);
}

bool
settings_is_default(const struct settings *settings, const char *key)
{
    const struct settings_origin *origin =
        &settings->origins[find_dotted(key) - table];

    return !origin->line && !origin->environment;
}

static void
set(struct settings *settings, const struct setting *setting, const char *value,
    struct settings_origin origin)
{
    char why[SETTINGS_WHY_SIZE];

    if (settings_value_parse(&setting->kind, value, member(settings, setting),
                             why) < 0) {
        fault(settings, &origin, setting, "\"%s\" will not do: %s", value, why);
        return;
    }
    settings->origins[setting - table] = origin;
}

static void
set_defaults(struct settings *settings)
{
    char why[SETTINGS_WHY_SIZE];

    *settings = (struct settings){0};
    for (size_t i = 0; i < SETTINGS_KEYS; i++)
        if (settings_value_parse(&table[i].kind, table[i].initial,
                                 member(settings, &table[i]), why) < 0)
            abort(); /* the table is wrong, or there is no memory at all */
}

/* A slip of the hand is told with the name that was likely meant. */
static const char *
nearest(const char *section, const char *name)
{
    const char *best = NULL;

    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        const char *known = section ? table[i].key : table[i].section;

        if (section && strcmp(table[i].section, section))
            continue;
        if (!best ||
            settings_distance(name, known) < settings_distance(name, best))
            best = known;
    }
    return best;
}

static char *
trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    for (end = text + strlen(text);
         end > text && isspace((unsigned char)end[-1]); end--)
        ;
    *end = '\0';
    return text;
}

/* What stands between quotes, or all up to a comment behind white space. */
static char *
take_value(char *text)
{
    char *end;

    text = trim(text);
    end = *text == '"' ? strchr(text + 1, '"') : NULL;
    if (end) {
        *end = '\0';
        return text + 1;
    }
    for (end = text; *end; end++)
        if ((*end == '#' || *end == ';') &&
            (end == text || isspace((unsigned char)end[-1])))
            break;
    *end = '\0';
    return trim(text);
}

struct ini {
    struct settings *settings;
    struct settings_origin at;
    const char *section; /* borrowed from the table, or NULL */
};

static void
take_section(struct ini *ini, char *line)
{
    char *end = strchr(line, ']');
    const char *after = end ? trim(end + 1) : "";
    char *name;

    ini->section = NULL;
    if (!end || (*after && *after != '#' && *after != ';')) {
        fault(ini->settings, &ini->at, NULL,
              "a section is written [name], alone on its line");
        return;
    }
    *end = '\0';
    name = trim(line + 1);
    for (size_t i = 0; i < SETTINGS_KEYS && !ini->section; i++)
        if (!strcmp(table[i].section, name))
            ini->section = table[i].section;
    if (!ini->section) {
        fault(ini->settings, &ini->at, NULL,
              "unknown section [%s]: did you mean [%s]?", name,
              nearest(NULL, name));
        ini->section = ""; /* its keys are passed over in silence */
    }
}

static void
take_key(struct ini *ini, char *line)
{
    char *equals = strchr(line, '=');
    const struct setting *setting;
    char *key;

    if (!equals) {
        fault(ini->settings, &ini->at, NULL,
              "\"%s\" is no \"key = value\", [section] or comment", line);
        return;
    }
    *equals = '\0';
    key = trim(line);
    if (!ini->section) {
        fault(ini->settings, &ini->at, NULL,
              "\"%s\" stands before the first [section]", key);
        return;
    }
    if (!*ini->section)
        return;
    setting = find(ini->section, key);
    if (!setting) {
        fault(ini->settings, &ini->at, NULL,
              "unknown key \"%s\" in [%s]: did you mean \"%s\"?", key,
              ini->section, nearest(ini->section, key));
        return;
    }
    set(ini->settings, setting, take_value(equals + 1), ini->at);
}

static void
take_text(struct settings *settings, const char *file, char *text)
{
    struct ini ini = {.settings = settings, .at = {.file = file}};

    for (char *next = text; next;) {
        char *line = trim(strsep(&next, "\n"));

        ini.at.line++;
        if (*line == '[')
            take_section(&ini, line);
        else if (*line && *line != '#' && *line != ';')
            take_key(&ini, line);
    }
}

static void
take_environment(struct settings *settings)
{
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        char name[96];
        const char *value;

        (void)snprintf(name, sizeof(name), "CLICKSPOOL_%s_%s", table[i].section,
                       table[i].key);
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        value = getenv(name);
        if (value)
            set(settings, &table[i], value,
                (struct settings_origin){.environment = true});
    }
}

/* CLICKSPOOL_HTTP_MAX_BDY is a slip as well, though CLICKSPOOL_ANYTHING may be
 * a variable of somebody else's. */
static void
judge_variable(struct settings *settings, const char *text)
{
    struct settings_origin origin = {.environment = true};
    size_t len = strcspn(text, "=");
    char name[96];

    if (len >= sizeof(name))
        return;
    for (size_t i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)text[i]);
    name[len] = '\0';
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        const char *section = table[i].section;
        size_t prefix = strlen(section);

        if (strncmp(name, section, prefix) || name[prefix] != '_')
            continue;
        if (!find(section, name + prefix + 1))
            fault(settings, &origin, NULL,
                  "unknown key \"%s\" in [%s]: did you mean \"%s\"?",
                  name + prefix + 1, section,
                  nearest(section, name + prefix + 1));
        return;
    }
}

static void
judge_environment(struct settings *settings)
{
    static const char prefix[] = "CLICKSPOOL_";

    for (char **text = environ; text && *text; text++)
        if (!strncmp(*text, prefix, sizeof(prefix) - 1))
            judge_variable(settings, *text + sizeof(prefix) - 1);
}

static int
load(struct settings *settings, const char *file, bool file_required)
{
    struct settings_origin origin = {.file = file, .line = 1};
    char *text = NULL;
    size_t len = 0;
    int r;

    r = fileio_read_all(AT_FDCWD, file, SETTINGS_FILE_MAX, &text, &len);
    if (!r && strlen(text) != len)
        fault(settings, &origin, NULL, "there is a NUL byte in the file");
    else if (!r)
        take_text(settings, file, text);
    else if (r != -ENOENT || file_required)
        fault(settings, &origin, NULL, "cannot be read: %s", strerror(-r));
    free(text);

    take_environment(settings);
    judge_environment(settings);
    return settings->errors ? -EINVAL : 0;
}

int
settings_load(struct settings *settings, const char *file, bool file_required)
{
    set_defaults(settings);
    return load(settings, file, file_required);
}

int
settings_load_quietly(struct settings *settings, const char *file,
                      bool file_required)
{
    set_defaults(settings);
    settings->quiet = true;
    return load(settings, file, file_required);
}

void
settings_free(struct settings *settings)
{
    for (size_t i = 0; i < SETTINGS_KEYS; i++)
        settings_value_free(&table[i].kind, member(settings, &table[i]));
}

/* https://user:password@host is the one way a secret could get in here. */
static void
mask_userinfo(struct buf *out, size_t from)
{
    char *text, *start, *at;

    if (buf_putc(out, '\0') < 0)
        return;
    buf_truncate(out, out->len - 1);
    text = out->data + from;
    start = strstr(text, "://");
    at = start ? strchr(start, '@') : NULL;
    if (at && at < start + 3 + strcspn(start + 3, "/"))
        for (start += 3; start < at; start++)
            *start = '*';
}

static void
print_setting(const struct settings *settings, size_t i, struct buf *out)
{
    const struct settings_origin *origin = &settings->origins[i];
    size_t from;

    (void)buf_printf(out, "%s = ", table[i].key);
    from = out->len;
    settings_value_print(&table[i].kind, member_of(settings, &table[i]), out);
    mask_userinfo(out, from);
    (void)buf_puts(out, "  ; ");
    if (origin->line)
        (void)buf_printf(out, "%s:%u\n", origin->file, origin->line);
    else
        (void)buf_puts(out,
                       origin->environment ? "environment\n" : "default\n");
}

void
settings_print(const struct settings *settings)
{
    struct buf out;

    buf_init(&out, SETTINGS_PRINT_MAX);
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        if (!i || strcmp(table[i].section, table[i - 1].section))
            (void)buf_printf(&out, "%s[%s]\n", i ? "\n" : "", table[i].section);
        print_setting(settings, i, &out);
    }
    (void)fwrite(out.data, 1, out.len, stdout);
    buf_deinit(&out);
}

void
settings_keep_fixed(struct settings *fresh, const struct settings *running)
{
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        void *to = member(fresh, &table[i]);
        const void *from = member_of(running, &table[i]);

        if (table[i].flags & RELOAD ||
            settings_value_equal(&table[i].kind, to, from))
            continue;
        log_notice("setting_needs_restart",
                   log_text("section", table[i].section),
                   log_text("key", table[i].key), );
        if (settings_value_copy(&table[i].kind, to, from) < 0)
            abort();
        fresh->origins[i] = running->origins[i];
    }
}

const char *
settings_word(const char **words, size_t *len)
{
    const char *word = *words + strspn(*words, " \t");

    *len = strcspn(word, " \t");
    *words = word + *len;
    return *len ? word : NULL;
}
