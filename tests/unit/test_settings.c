/*
 * The configuration: each type's bounds and forms, the file's grammar, and
 * faults told with their line and the name that was meant.
 */
#include "common/settings.h"

#include "common/buf.h"
#include "common/settings_value.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

static char dir[] = "/tmp/clickspool-settings-XXXXXX";
static char file[64], told_file[64];
static char told[8192]; /* what the last load() said */

static int
load(struct settings *settings, const char *text)
{
    int saved = dup(STDERR_FILENO), fd, r;
    FILE *stream = fopen(file, "w");
    size_t len;

    CHECK(stream && fputs(text, stream) >= 0 && !fclose(stream));
    fd = open(told_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    r = settings_load(settings, file, true);
    CHECK(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(fd);
    (void)close(saved);
    stream = fopen(told_file, "r");
    CHECK(stream);
    len = fread(told, 1, sizeof(told) - 1, stream);
    told[len] = '\0';
    (void)fclose(stream);
    return r;
}

static void
check_number(enum settings_type type, const char *range, const char *text,
             int64_t wanted)
{
    struct settings_kind kind = {type, range};
    char why[SETTINGS_WHY_SIZE] = "";
    int64_t value = -1;
    int r = settings_value_parse(&kind, text, &value, why);

    if (r != (wanted < 0 ? -EINVAL : 0))
        fprintf(stderr, "of \"%s\": %s\n", text, why);
    CHECK_INT(r, wanted < 0 ? -EINVAL : 0);
    CHECK_INT(value, wanted);
    CHECK(!why[0] == (wanted >= 0));
}

static void
numbers_take_their_units_and_no_others(void)
{
    check_number(SETTINGS_SIZE, "0..16384GiB", "0", 0);
    check_number(SETTINGS_SIZE, "0..16384GiB", "1", 1);
    check_number(SETTINGS_SIZE, "0..16384GiB", "1KiB", 1024);
    check_number(SETTINGS_SIZE, "0..16384GiB", "1 MiB", 1048576);
    check_number(SETTINGS_SIZE, "0..16384GiB", "16384GiB",
                 INT64_C(17592186044416));
    check_number(SETTINGS_SIZE, "0..16384GiB", "16385GiB", -1);
    check_number(SETTINGS_SIZE, "1..2", "0", -1);
    check_number(SETTINGS_SIZE, "1..2", "2", 2);
    check_number(SETTINGS_SIZE, "1..2", "3", -1);
    check_number(SETTINGS_TIME, "0s..365d", "0", 0);
    check_number(SETTINGS_TIME, "0s..365d", "500ms", 500);
    check_number(SETTINGS_TIME, "0s..365d", "2s", 2000);
    check_number(SETTINGS_TIME, "0s..365d", "3m", 180000);
    check_number(SETTINGS_TIME, "0s..365d", "1h", 3600000);
    check_number(SETTINGS_TIME, "0s..365d", "365d", INT64_C(31536000000));
    check_number(SETTINGS_TIME, "0s..365d", "366d", -1);
    check_number(SETTINGS_TIME, "0s..365d", "5", -1); /* of what? */
    check_number(SETTINGS_COUNT, "1..10", "10", 10);
    check_number(SETTINGS_COUNT, "1..10", "11", -1);
    check_number(SETTINGS_COUNT, "1..10", "0", -1);
}

static void
what_is_no_number_is_refused(void)
{
    static const char *const texts[] = {
        "", " ", "-1", "+1", "1.5KiB", "1kb", "1KB", "1kib", "1 K iB", "KiB",
        "1GiBx", "0x10", "1e3", "99999999999999999999",
        "9223372036854775807GiB",
        "1MiB 2", "ten", "1TiB", "1\tKiB",
    };

    for (size_t i = 0; i < ROWS(texts); i++)
        check_number(SETTINGS_SIZE, "0..16384GiB", texts[i], -1);
}

static void
decimals_flags_and_choices_take_what_they_say(void)
{
    static const char *const decimals[] = {"", "x", "1x", "-0.1", "100.1",
                                           "nan", "inf", "0x1", "1e9"};
    struct settings_kind decimal = {SETTINGS_DECIMAL, "0..100"};
    struct settings_kind flag = {SETTINGS_FLAG, ""};
    struct settings_kind choice = {SETTINGS_CHOICE, "one|two|three"};
    char why[SETTINGS_WHY_SIZE];
    bool on = false;
    double number = 7;
    int64_t index = 7;

    CHECK_INT(settings_value_parse(&decimal, "0.50", &number, why), 0);
    CHECK(number > 0.49 && number < 0.51);
    CHECK_INT(settings_value_parse(&decimal, "100", &number, why), 0);
    for (size_t i = 0; i < ROWS(decimals); i++)
        CHECK_INT(settings_value_parse(&decimal, decimals[i], &number, why),
                  -EINVAL);
    CHECK(number > 99);
    CHECK_INT(settings_value_parse(&flag, "yes", &on, why), 0);
    CHECK(on);
    CHECK_INT(settings_value_parse(&flag, "False", &on, why), -EINVAL);
    CHECK(on);
    CHECK_INT(settings_value_parse(&flag, "off", &on, why), 0);
    CHECK(!on);
    CHECK_INT(settings_value_parse(&choice, "three", &index, why), 0);
    CHECK_INT(index, 2);
    CHECK_INT(settings_value_parse(&choice, "one|two", &index, why), -EINVAL);
    CHECK_INT(settings_value_parse(&choice, "on", &index, why), -EINVAL);
    CHECK_INT(settings_value_parse(&choice, "", &index, why), -EINVAL);
    CHECK_STR(why, "give one of one|two|three");
    CHECK_INT(index, 2);
}

static void
a_printed_text_is_read_as_the_same(void)
{
    static const char *const texts[] = {
        "",      "plain", "two words", "a;b",   "a ;b",  "#a",
        " lead", "end ",  "a\"b",      "\"",    "a\"b\"", "\tx",
    };
    static const struct settings_kind kind = {SETTINGS_TEXT, ""};

    for (size_t i = 0; i < ROWS(texts); i++) {
        struct settings settings;
        struct buf text;

        buf_init(&text, 1024);
        (void)buf_puts(&text, "[spool]\ndir = ");
        settings_value_print(&kind, &texts[i], &text);
        CHECK_INT(buf_append(&text, "  ; note\n", sizeof("  ; note\n")), 0);
        CHECK_INT(load(&settings, text.data), 0);
        CHECK_STR(settings.spool.dir, texts[i]);
        settings_free(&settings);
        buf_deinit(&text);
    }
}

static void
a_printed_number_is_read_as_the_same(void)
{
    static const struct {
        enum settings_type type;
        int64_t value;
        const char *text;
    } rows[] = {
        {SETTINGS_SIZE, 0, "0"},          {SETTINGS_SIZE, 1023, "1023"},
        {SETTINGS_SIZE, 1024, "1KiB"},    {SETTINGS_SIZE, 1536, "1536"},
        {SETTINGS_SIZE, 3221225472, "3GiB"}, {SETTINGS_TIME, 1, "1ms"},
        {SETTINGS_TIME, 1500, "1500ms"},  {SETTINGS_TIME, 90000, "90s"},
        {SETTINGS_TIME, 86400000, "1d"},  {SETTINGS_COUNT, 1024, "1024"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct settings_kind kind = {rows[i].type, "0..9000000000"};
        int64_t value = rows[i].value;
        struct buf out;

        buf_init(&out, 64);
        settings_value_print(&kind, &value, &out);
        CHECK_INT(buf_putc(&out, '\0'), 0);
        CHECK_STR(out.data, rows[i].text);
        buf_deinit(&out);
    }
}

static void
the_files_grammar_is_what_the_header_says(void)
{
    struct settings settings;

    CHECK_INT(load(&settings,
                   "# a comment\n; another\n\n  [ spool ] ; here too\r\n"
                   "dir=/a;b#c ; not this\r\n"
                   "segment_size\t=\t1MiB\n"
                   "[shipper]\nlog_group = \" a;b # c \" ; but this not\n"
                   "linger = 5s # none\n"
                   "[aws]\nregion =\n"
                   "[spool]\nmin_free = 1MiB"),
              0);
    CHECK_STR(told, "");
    CHECK_STR(settings.spool.dir, "/a;b#c");
    CHECK_INT(settings.spool.segment_size, 1048576);
    CHECK_INT(settings.spool.min_free, 1048576);
    CHECK_STR(settings.shipper.log_group, " a;b # c ");
    CHECK_INT(settings.shipper.linger, 5000);
    CHECK_STR(settings.aws.region, "");
    CHECK(!settings_is_default(&settings, "aws.region"));
    CHECK(settings_is_default(&settings, "spool.retain"));
    CHECK_INT(settings.spool.retain, 86400000);
    settings_free(&settings);
}

static void
a_fault_is_told_with_its_line_and_the_name_that_was_meant(void)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[spol]\nx=1\n", ":1: unknown section [spol]: did you mean [spool]?"},
        {"\n[spool]\ndirr = a\n",
         ":3: unknown key \"dirr\" in [spool]: did you mean \"dir\"?"},
        {"[spool]\nsegment_sise = 1MiB\n",
         "did you mean \"segment_size\"?"},
        {"dir = a\n", ":1: \"dir\" stands before the first [section]"},
        {"[spool]\nnonsense\n", ":2: \"nonsense\" is no \"key = value\""},
        {"[spool\n", ":1: a section is written [name]"},
        {"[spool] x\n", ":1: a section is written [name]"},
        {"[spool]\n\n\nretain = soon\n", ":4: [spool] retain: \"soon\""},
        {"[spool]\nretain = 366d\n", "give 0s to 365d"},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct settings settings;

        CHECK_INT(load(&settings, rows[i].text), -EINVAL);
        if (!strstr(told, rows[i].says))
            CHECK_STR(told, rows[i].says);
        CHECK_INT(settings.errors, 1);
        CHECK_INT(settings.spool.retain, 86400000); /* the default stays */
        settings_free(&settings);
    }
}

static void
the_environment_wins_and_its_slips_are_told(void)
{
    struct settings settings;

    CHECK(!setenv("CLICKSPOOL_SPOOL_DIR", "/from ; environment", 1));
    CHECK(!setenv("CLICKSPOOL_UNRELATED", "1", 1));
    CHECK_INT(load(&settings, "[spool]\ndir = /from/file\n"), 0);
    CHECK_STR(settings.spool.dir, "/from ; environment");
    settings_free(&settings);

    CHECK(!setenv("CLICKSPOOL_SPOOL_DIRR", "a", 1));
    CHECK(!setenv("CLICKSPOOL_SPOOL_RETAIN", "soon", 1));
    CHECK_INT(load(&settings, ""), -EINVAL);
    CHECK_INT(settings.errors, 2);
    CHECK(strstr(told, "environment: unknown key \"dirr\" in [spool]: did "
                       "you mean \"dir\"?"));
    CHECK(strstr(told, "environment: [spool] retain: \"soon\" will not do"));
    settings_free(&settings);
    CHECK(!unsetenv("CLICKSPOOL_SPOOL_DIRR"));
    CHECK(!unsetenv("CLICKSPOOL_SPOOL_RETAIN"));
    CHECK(!unsetenv("CLICKSPOOL_SPOOL_DIR"));
    CHECK(!unsetenv("CLICKSPOOL_UNRELATED"));
}

static void
distances_are_levenshteins(void)
{
    CHECK_INT(settings_distance("", ""), 0);
    CHECK_INT(settings_distance("abc", ""), 3);
    CHECK_INT(settings_distance("", "abc"), 3);
    CHECK_INT(settings_distance("kitten", "sitting"), 3);
    CHECK_INT(settings_distance("LOG", "log"), 0);
    CHECK_INT(settings_distance("flaw", "lawn"), 2);
    CHECK_INT(settings_distance("dir", "dirr"), 1);
}

int
main(void)
{
    char command[128];

    CHECK(mkdtemp(dir));
    (void)snprintf(file, sizeof(file), "%s/conf", dir);
    (void)snprintf(told_file, sizeof(told_file), "%s/told", dir);
    numbers_take_their_units_and_no_others();
    what_is_no_number_is_refused();
    decimals_flags_and_choices_take_what_they_say();
    a_printed_text_is_read_as_the_same();
    a_printed_number_is_read_as_the_same();
    the_files_grammar_is_what_the_header_says();
    a_fault_is_told_with_its_line_and_the_name_that_was_meant();
    the_environment_wins_and_its_slips_are_told();
    distances_are_levenshteins();
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
    return 0;
}
