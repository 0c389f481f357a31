/*
 * Lines, wherever a file is cut and whichever byte is wrong: a good one is
 * never lost, and a bad one never taken.
 */
#include "common/line.h"

#include "common/buf.h"
#include "common/crc.h"
#include "common/fileio.h"
#include "common/line_reader.h"
#include "common/recover.h"
#include "common/spool.h"
#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum { LINES = 3 };

static size_t
make_line(char *out, size_t size, int n)
{
    int len = snprintf(out, size, LINE_PREFIX "\"eventId\":\"%036d\"}\n", n);

    line_seal(out, (size_t)len, 1767323045000 + n);
    return (size_t)len;
}

static void
a_line_with_any_bit_wrong_is_no_line(void)
{
    char line[128];
    size_t len = make_line(line, sizeof(line), 7);

    CHECK(line_ok(line, len));
    CHECK_INT(line_ts(line), 1767323045007);
    CHECK(!strncmp(line_event_id(line, len), "0000", 4));
    for (size_t at = 0; at < len; at++)
        for (int bit = 0; bit < 8; bit++) {
            line[at] = (char)(line[at] ^ 1 << bit);
            CHECK(!line_ok(line, len));
            line[at] = (char)(line[at] ^ 1 << bit);
        }
    for (size_t cut = 0; cut < len; cut++)
        CHECK(!line_ok(line, cut));
    CHECK(line_ok(line, len));
}

/* Wherever it begins, and however many bytes are left over by blocks. */
static void
a_checksum_is_that_of_zlib(void)
{
    enum { STARTS = 17, LENGTHS = 400 };
    unsigned char bytes[STARTS + LENGTHS];
    uint32_t random = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(random >> 24);
    }
    for (size_t start = 0; start < STARTS; start++)
        for (size_t len = 0; len <= LENGTHS; len++)
            CHECK_INT(crc_of(bytes + start, len),
                      crc32_z(0, bytes + start, len));
}

struct file {
    char dir[64];
    int dirfd, fd;
    struct buf text;
    uint64_t ends[LINES + 1]; /* of the control line and of each line */
};

static void
begin(struct file *file)
{
    struct spool_control control = {.ts = 1767323045000};
    char name[SPOOL_NAME_SIZE], line[128];

    *file = (struct file){.dir = "/tmp/clickspool-line-XXXXXX"};
    CHECK(mkdtemp(file->dir));
    file->dirfd = fileio_open_dir(file->dir);
    CHECK(file->dirfd >= 0);
    buf_init(&file->text, 4096);
    CHECK_INT(spool_control_write(&file->text, &control), 0);
    file->ends[0] = file->text.len;
    for (int i = 0; i < LINES; i++) {
        CHECK_INT(buf_append(&file->text, line,
                             make_line(line, sizeof(line), i)), 0);
        file->ends[i + 1] = file->text.len;
    }
    file->fd = fileio_open(file->dirfd, spool_name(1, name),
                           O_RDWR | O_CREAT);
    CHECK(file->fd >= 0);
}

static void
put(const struct file *file, const void *bytes, size_t len)
{
    CHECK_INT(ftruncate(file->fd, 0), 0);
    CHECK_INT(pwrite(file->fd, bytes, len, 0), (ssize_t)len);
}

static void
end(struct file *file)
{
    char command[128];

    buf_deinit(&file->text);
    (void)close(file->fd);
    (void)close(file->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", file->dir);
    CHECK(system(command) == 0);
}

static void
wherever_a_segment_is_cut_its_whole_lines_and_no_others_are_trusted(void)
{
    struct file file;

    begin(&file);
    for (size_t cut = 0; cut <= file.text.len; cut++) {
        struct recovered recovered;
        unsigned whole = 0;
        int r;

        put(&file, file.text.data, cut);
        r = recover_end(file.dirfd, 1, NULL, &recovered);
        if (cut < file.ends[0]) {
            CHECK_INT(r, SPOOL_VOID);
            continue;
        }
        while (whole < LINES && file.ends[whole + 1] <= cut)
            whole++;
        CHECK_INT(r, 0);
        CHECK_INT(recovered.end, file.ends[whole]);
        CHECK_INT(recovered.entries, whole);
    }
    end(&file);
}

/* One line is overwritten with @fill from each place on: one bad run. */
static void
a_bad_run_costs_its_own_line_and_no_other(void)
{
    static const char fills[] = {0, '\n', '{', 'x'};
    struct file file;

    begin(&file);
    for (size_t f = 0; f < sizeof(fills); f++)
        for (uint64_t at = file.ends[1]; at < file.ends[2]; at++) {
            struct line_reader reader;
            struct line_item item;
            unsigned good = 0;
            uint64_t bad = 0;
            char copy[4096];

            if (file.text.data[at] == fills[f])
                continue;
            memcpy(copy, file.text.data, file.text.len);
            copy[at] = fills[f];
            put(&file, copy, file.text.len);
            line_reader_init(&reader, file.fd, file.ends[0], file.text.len);
            while (line_reader_next(&reader, &item) == 1) {
                good += item.bytes != NULL;
                bad += item.bytes ? 0 : item.len;
            }
            line_reader_deinit(&reader);
            /* Without its newline a line takes the next one's start with it,
             * and the next is found all the same. */
            CHECK_INT(good, LINES - 1);
            CHECK_INT(bad, file.ends[2] - file.ends[1]);
        }
    end(&file);
}

int
main(void)
{
    a_line_with_any_bit_wrong_is_no_line();
    a_checksum_is_that_of_zlib();
    wherever_a_segment_is_cut_its_whole_lines_and_no_others_are_trusted();
    a_bad_run_costs_its_own_line_and_no_other();
    return 0;
}
