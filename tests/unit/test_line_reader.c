/*
 * Lines out of whatever a file holds: each good one, in order, as it is; all
 * else told once a run; and every byte accounted for.
 */
#include "common/line.h"
#include "common/line_reader.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

#include <sys/mman.h>
#include <unistd.h>

enum { LINES = 5, TS = 1000000 };

static int fd;
static struct buf text;
static size_t ends[LINES + 1];

static void
begin(void)
{
    fd = memfd_create("lines", 0);
    CHECK(fd >= 0);
    buf_init(&text, 8 << 20);
}

static void
add_lines(void)
{
    for (unsigned i = 0; i < LINES; i++) {
        ends[i] = text.len;
        scratch_line(&text, i + 1, TS);
    }
    ends[LINES] = text.len;
}

static void
put(void)
{
    CHECK(!ftruncate(fd, 0));
    CHECK_INT(pwrite(fd, text.data, text.len, 0), text.len);
}

static void
end(void)
{
    buf_deinit(&text);
    CHECK(!close(fd));
}

/* What comes, a digit an entry and "!" a bad run; on the way, that all of it
 * together is [from, to) without a gap, and that no two runs touch. */
static const char *
read_from(uint64_t from, uint64_t to)
{
    static char seen[64];
    struct line_reader reader;
    struct line_item item;
    uint64_t at = from;
    size_t n = 0;
    bool bad = false;
    int r;

    line_reader_init(&reader, fd, from, to);
    while ((r = line_reader_next(&reader, &item)) == 1) {
        CHECK_INT(item.offset, at);
        CHECK(item.len > 0 && n < sizeof(seen) - 1);
        CHECK(item.bytes || !bad);
        bad = !item.bytes;
        if (item.bytes) {
            CHECK(line_ok(item.bytes, item.len));
            CHECK(!memcmp(item.bytes, text.data + at, item.len));
        }
        seen[n++] = bad ? '!' : (char)('0' + scratch_id(item.bytes));
        at += item.len;
    }
    CHECK_INT(r, 0);
    CHECK_INT(at, to);
    line_reader_deinit(&reader);
    seen[n] = '\0';
    return seen;
}

static void
cut_at_every_byte_the_lines_before_are_whole_and_the_rest_is_one_run(void)
{
    begin();
    add_lines();
    put();
    for (size_t cut = 0; cut <= text.len; cut++) {
        char want[LINES + 2] = "";
        size_t whole = 0;

        while (whole < LINES && ends[whole + 1] <= cut) {
            want[whole] = (char)('1' + whole);
            whole++;
        }
        if (ends[whole] < cut)
            want[whole] = '!';
        CHECK_STR(read_from(0, cut), want);
    }
    end();
}

static void
entered_at_every_byte_no_later_line_is_missed(void)
{
    begin();
    add_lines();
    put();
    for (size_t from = 0; from < text.len; from++) {
        char want[LINES + 2] = "";
        size_t first = 0, n = 0;

        while (ends[first] < from)
            first++;
        if (ends[first] > from)
            want[n++] = '!';
        for (; first < LINES; first++)
            want[n++] = (char)('1' + first);
        CHECK_STR(read_from(from, text.len), want);
    }
    end();
}

static void
any_byte_made_zero_costs_its_own_line_alone(void)
{
    begin();
    add_lines();
    for (size_t i = 0; i < text.len; i++) {
        char want[] = "12345", was = text.data[i];
        size_t hit = 0;

        while (ends[hit + 1] <= i)
            hit++;
        text.data[i] = '\0';
        put();
        want[hit] = '!';
        CHECK_STR(read_from(0, text.len), want);
        text.data[i] = was;
    }
    end();
}

static void
garbage_of_any_length_hides_no_good_line(void)
{
    static const size_t lengths[] = {
        1,     39,     4096,         65535,        65536,
        65537, 200000, LINE_LEN_MAX, LINE_LEN_MAX + 1, 3 * LINE_LEN_MAX};
    static const char kinds[] = {'\0', 'x', '\n', '{'};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
        for (size_t k = 0; k < sizeof(kinds); k++) {
            begin();
            scratch_line(&text, 1, TS);
            CHECK(!buf_reserve(&text, lengths[i]));
            memset(text.data + text.len, kinds[k], lengths[i]);
            text.len += lengths[i];
            scratch_line(&text, 2, TS);
            scratch_line(&text, 3, TS);
            put();
            CHECK_STR(read_from(0, text.len), "1!23");
            end();
        }
}

/* Wherever the reads of the file happen to end within the good line. */
static void
the_longest_garbage_hides_no_line_at_its_end(void)
{
    begin();
    scratch_line(&text, 9, TS);
    for (size_t part = 0, len = text.len; part <= len; part++) {
        size_t garbage = LINE_LEN_MAX - part;

        buf_clear(&text);
        CHECK(!buf_reserve(&text, garbage));
        memset(text.data, 'x', garbage);
        text.len = garbage;
        scratch_line(&text, 2, TS);
        put();
        CHECK_STR(read_from(0, text.len), "!2");
    }
    end();
}

static void
a_torn_line_hides_not_the_one_written_behind_it(void)
{
    begin();
    add_lines();
    for (size_t torn = 1; torn < ends[1]; torn++) {
        buf_clear(&text);
        scratch_line(&text, 1, TS);
        buf_truncate(&text, torn);
        scratch_line(&text, 2, TS);
        put();
        CHECK_STR(read_from(0, text.len), "!2");
    }
    end();
}

static void
what_lies_behind_the_end_is_read_once_the_end_is_raised(void)
{
    struct line_reader reader;
    struct line_item item;

    begin();
    add_lines();
    put();
    line_reader_init(&reader, fd, 0, ends[1]);
    for (unsigned i = 1; i <= LINES; i++) {
        reader.end = ends[i];
        CHECK_INT(line_reader_next(&reader, &item), 1);
        CHECK(item.bytes && scratch_id(item.bytes) == i);
        CHECK_INT(line_reader_next(&reader, &item), 0);
    }
    line_reader_deinit(&reader);
    end();
}

int
main(void)
{
    cut_at_every_byte_the_lines_before_are_whole_and_the_rest_is_one_run();
    entered_at_every_byte_no_later_line_is_missed();
    any_byte_made_zero_costs_its_own_line_alone();
    garbage_of_any_length_hides_no_good_line();
    the_longest_garbage_hides_no_line_at_its_end();
    a_torn_line_hides_not_the_one_written_behind_it();
    what_lies_behind_the_end_is_read_once_the_end_is_raised();
    return 0;
}
