/*
 * What an operator wants is taken whole or not at all, and counted once.
 */
#include "shipper/retry_files.h"

#include "common/buf.h"
#include "common/checkpoint.h"
#include "shipper/dead_letter.h"
#include "shipper/tally.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LETTER(what)                                                           \
    "{\"resolved\":\"" what                                                    \
    "\",\"segment\":\"00000000000000000007.ndjson\",\"offset\":100}\n"

enum { DEAD = 20, FILES = 8 };

struct setting {
    struct scratch scratch;
    struct tally *tally;
    struct dead_letter *dead;
    struct retry_files files;
};

static void
put(const struct setting *setting, const char *name, const char *text)
{
    scratch_put(&setting->scratch, name, text, strlen(text));
}

/* A folder with a checkpoint that counts dead letters. */
static void
begin(struct setting *setting)
{
    struct checkpoint checkpoint = {.counts.dead = DEAD};
    struct buf text;

    *setting = (struct setting){0};
    scratch_open(&setting->scratch);
    CHECK(!mkdirat(setting->scratch.dirfd, SPOOL_RETRY, 0770));
    buf_init(&text, CHECKPOINT_BYTES_MAX);
    CHECK(!checkpoint_print(&checkpoint, &text));
    scratch_put(&setting->scratch, SPOOL_CHECKPOINT, text.data, text.len);
    buf_deinit(&text);
}

static void
start(struct setting *setting)
{
    CHECK(!tally_open(&setting->tally, setting->scratch.dirfd));
    CHECK(!dead_letter_open(&setting->dead, setting->scratch.dirfd, 1 << 20,
                            (struct spool_position){0}));
    CHECK(!retry_files_open(&setting->files, setting->scratch.dirfd,
                            setting->tally, setting->dead));
}

static void
end(struct setting *setting)
{
    dead_letter_close(setting->dead);
    tally_close(setting->tally);
    scratch_close(&setting->scratch);
}

static void
put_lines(const struct setting *setting, const char *name, enum spool_kind kind)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    CHECK(!spool_control_write(&text, &(struct spool_control){.kind = kind}));
    scratch_line(&text, 1, 1000);
    scratch_put(&setting->scratch, name, text.data, text.len);
    buf_deinit(&text);
}

/* Whatever order the folder has them in. */
static void
letters_of_each_file_are_counted(void)
{
    static const int order[FILES] = {5, 1, 8, 3, 7, 2, 6, 4};
    struct setting setting;

    begin(&setting);
    for (int i = 0; i < FILES; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "retry/%020d.letters", order[i]);
        put(&setting, name, LETTER("retried"));
    }
    start(&setting);
    CHECK_INT(tally_counts(setting.tally).dead, DEAD - FILES);
    CHECK_INT(tally_letters_taken(setting.tally), FILES);
    end(&setting);
}

static void
half_of_a_wish_is_not_taken(void)
{
    struct setting setting;
    uint64_t number;

    begin(&setting);
    start(&setting);
    put(&setting, "retry/a.letters", LETTER("retried"));
    CHECK_INT(retry_files_take(&setting.files, "a", &number), -ENOENT);
    put_lines(&setting, "retry/b.tmp", SPOOL_LETTERS);
    CHECK_INT(retry_files_take(&setting.files, "b", &number), -ENOENT);
    CHECK_INT(tally_counts(setting.tally).dead, DEAD);

    put_lines(&setting, "retry/a.tmp", SPOOL_LETTERS);
    CHECK(!retry_files_take(&setting.files, "a", &number));
    put(&setting, "retry/c.letters", LETTER("dropped"));
    CHECK(!retry_files_take(&setting.files, "c", &number));
    CHECK_INT(tally_counts(setting.tally).dead, DEAD - 2);
    CHECK_INT(tally_counts(setting.tally).dropped, 1);
    end(&setting);
}

/* Its own letters would be taken for those, and not be written. */
static void
a_file_never_gets_a_number_that_letters_are_of(void)
{
    struct setting setting;
    uint64_t number;

    begin(&setting);
    put(&setting, SPOOL_DEAD_LETTER,
        "{\"reason\":\"refused\",\"segment\":"
        "\"retry/00000000000000000003.ndjson\",\"offset\":80}\n");
    put(&setting, "retry/99999999999999999999.new", "");
    start(&setting);
    put_lines(&setting, "retry/a.tmp", SPOOL_REPLAY);
    CHECK(!retry_files_take(&setting.files, "a", &number));
    CHECK_INT(number, 4);
    end(&setting);
}

static void
what_cannot_be_opened_now_is_known_later(void)
{
    struct spool_position at = {SPOOL_RETRY_BASE + 1, 100};
    struct setting setting;

    begin(&setting);
    start(&setting);
    CHECK(!retry_files_may_read(&setting.files, at));
    put_lines(&setting, "retry/00000000000000000001.ndjson", SPOOL_REPLAY);
    CHECK(retry_files_may_read(&setting.files, at));
    CHECK(!retry_files_bury(&setting.files, at.segment));
    end(&setting);
}

int
main(void)
{
    letters_of_each_file_are_counted();
    half_of_a_wish_is_not_taken();
    a_file_never_gets_a_number_that_letters_are_of();
    what_cannot_be_opened_now_is_known_later();
    return 0;
}
