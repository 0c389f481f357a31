/*
 * Dead letters over all their files: one for each place, and the last word on
 * it counts.
 */
#include "shipper/ctl/letters.h"

#include "common/buf.h"
#include "common/line.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/dead_letter_read.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

#define SEGMENT "\"segment\":\"00000000000000000041.ndjson\""
#define ENTRY(offset)                                                          \
    "{\"reason\":\"too_old\"," SEGMENT ",\"offset\":" offset                   \
    ",\"entry\":{\"a\":1}}\n"
#define RUN(offset)                                                            \
    "{\"reason\":\"bad_bytes\"," SEGMENT ",\"offset\":" offset                 \
    ",\"entry\":null}\n"
#define RESOLVED(how, offset)                                                  \
    "{\"resolved\":\"" how "\"," SEGMENT ",\"offset\":" offset "}\n"

static struct scratch scratch;

static void
put(unsigned number, const char *bytes, size_t len)
{
    char name[DEAD_LETTER_NAME_SIZE];

    scratch_put(&scratch, dead_letter_name(number, name), bytes, len);
}

static struct letters
sums(uint64_t passed_offset)
{
    struct letters letters;
    const struct checkpoint checkpoint = {.position = {41, passed_offset}};

    CHECK_INT(letters_read(&letters, scratch.dirfd, &checkpoint), 0);
    return letters;
}

static void
write_files(const char *first, const char *second)
{
    put(1, first, strlen(first));
    put(2, second, strlen(second));
}

static void
the_last_word_on_a_place_counts(void)
{
    struct letters got;

    write_files(ENTRY("1") ENTRY("2") RUN("3") ENTRY("4"),
                RESOLVED("dropped", "1") RESOLVED("retried", "2")
                    RESOLVED("dropped", "3") RESOLVED("dropped", "9"));
    got = sums(4);
    CHECK_INT(got.entries, 1);
    CHECK_INT(got.runs, 0);
    CHECK_INT(got.dropped, 2);
    CHECK_INT(got.retried, 1);
    CHECK_INT(got.passed, 0); /* 4 is not passed, 1 is dropped */

    /* What was retried, and dropped, and has failed once more. */
    write_files(ENTRY("1") RESOLVED("retried", "1") ENTRY("2")
                    RESOLVED("dropped", "2") RUN("3"),
                ENTRY("1") RESOLVED("dropped", "3") ENTRY("2") RUN("3"));
    got = sums(4);
    CHECK_INT(got.entries, 2);
    CHECK_INT(got.runs, 1);
    CHECK_INT(got.dropped + got.retried, 0);
    CHECK_INT(got.passed, 2);
}

static void
a_letter_in_two_files_is_one(void)
{
    write_files(ENTRY("1") "{\"reason\":\"too", ENTRY("1") ENTRY("2"));
    CHECK_INT(sums(4).entries, 2);
    CHECK_INT(sums(4).unreadable, 1);
}

/* Neither hides the letter behind it. */
static void
lines_that_are_none_are_counted(void)
{
    static const char nul[] = "{\"reason\":\"\0\"}\n" ENTRY("1");
    static const char *const lines[] = {
        "\n",
        "{}\n",
        "[1]\n",
        "{\"reason\":\"too_old\",\"offset\":1,\"entry\":{}}\n",
        "{\"reason\":\"too_old\"," SEGMENT ",\"offset\":-1,\"entry\":{}}\n",
        "{\"reason\":\"too_old\"," SEGMENT ",\"offset\":1}\n",
        "{\"reason\":\"too_old\"," SEGMENT ",\"offset\":1,\"entry\":null}\n",
        RESOLVED("forgotten", "1"),
    };
    struct buf text;

    put(2, "", 0);
    put(1, nul, sizeof(nul) - 1);
    CHECK_INT(sums(4).unreadable, 1);
    CHECK_INT(sums(4).entries, 1);

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        write_files(lines[i], ENTRY("2"));
        CHECK_INT(sums(4).unreadable, 1);
        CHECK_INT(sums(4).entries, 1);
    }

    buf_init(&text, 2 * DEAD_LETTER_LINE_MAX);
    while (text.len <= DEAD_LETTER_LINE_MAX)
        (void)buf_putc(&text, 'x');
    (void)buf_puts(&text, "\n" ENTRY("1"));
    put(1, text.data, text.len);
    CHECK_INT(sums(4).unreadable, 1);
    CHECK_INT(sums(4).entries, 2);
    CHECK_INT(sums(4).bytes, text.len + strlen(ENTRY("2")));
    buf_deinit(&text);
}

/* A letter is found by the line that the last word left standing. */
static void
only_its_last_line_is_the_letter(void)
{
    struct letter_reader reader;
    struct letter_index index;
    struct letter_line line;
    unsigned lines = 0, found = 0;

    write_files(ENTRY("5") ENTRY("1") RESOLVED("retried", "1") ENTRY("3"),
                ENTRY("1") RESOLVED("dropped", "3") ENTRY("5"));
    CHECK(!letter_index_read(&index, scratch.dirfd, NULL, NULL));
    CHECK_INT(index.count, 3);
    CHECK(!letter_reader_init(&reader, scratch.dirfd));
    for (; letter_reader_next(&reader, &line) == 1; lines++) {
        const struct letter *letter = letter_index_find(&index, &line);

        if (!letter)
            continue;
        found++;
        CHECK_INT(letter->position.offset, line.position.offset);
        CHECK_INT(line.file, letter->position.offset == 3 ? 1 : 2);
        CHECK_INT(letter->state,
                  letter->position.offset == 3 ? LETTER_DROPPED : LETTER_DEAD);
    }
    CHECK_INT(lines, 7);
    CHECK_INT(found, 3);
    letter_reader_deinit(&reader);
    letter_index_deinit(&index);
}

static void
take_wrong(void *owner, const struct letter_line *line)
{
    CHECK_INT(line->kind, LETTER_LINE_ENTRY);
    ++*(unsigned *)owner;
}

static void
an_entry_is_checked_by_its_own_checksum(void)
{
    char entry[] = LINE_PREFIX "\"a\":1}\n";
    struct letter_index index;
    unsigned wrong = 0;
    struct buf text;

    line_seal(entry, sizeof(entry) - 1, INT64_C(1767323045000));
    for (unsigned damaged = 0; damaged < 2; damaged++) {
        entry[LINE_BODY_AT + 1] = damaged ? 'b' : 'a';
        buf_init(&text, 1000);
        (void)buf_printf(&text,
                         "{\"reason\":\"x\"," SEGMENT
                         ",\"offset\":1,\"entry\":%.*s}\n",
                         (int)sizeof(entry) - 2, entry);
        put(1, text.data, text.len);
        put(2, "", 0);
        CHECK(!letter_index_read(&index, scratch.dirfd, take_wrong, &wrong));
        CHECK_INT(index.count, 1);
        CHECK_INT(wrong, damaged);
        letter_index_deinit(&index);
        buf_deinit(&text);
    }
}

int
main(void)
{
    scratch_open(&scratch);
    the_last_word_on_a_place_counts();
    a_letter_in_two_files_is_one();
    lines_that_are_none_are_counted();
    only_its_last_line_is_the_letter();
    an_entry_is_checked_by_its_own_checksum();
    scratch_close(&scratch);
    return 0;
}
