/*
 * What a starting ingest makes of the spool that it finds: nothing that was
 * accepted is left out, no number is given twice, and nothing is changed.
 */
#include "ingest/takeover.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/spool.h"
#include "common/uuid.h"
#include "ingest/seen.h"
#include "ingest/spool_writer.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1767323045000)

static char dir[64];
static int dirfd;

static void
begin(void)
{
    (void)strcpy(dir, "/tmp/clickspool-takeover-XXXXXX");
    CHECK(mkdtemp(dir));
    dirfd = fileio_open_dir(dir);
    CHECK(dirfd >= 0);
}

static void
end(void)
{
    char command[80];

    (void)close(dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
}

static void
put_file(const char *name, const void *bytes, size_t len)
{
    int fd = fileio_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC);

    CHECK(fd >= 0);
    CHECK_INT(fileio_write_all(fd, bytes, len), 0);
    (void)close(fd);
}

static const uint8_t *
id_of(unsigned n)
{
    static uint8_t id[16];

    id[15] = (uint8_t)n;
    return id;
}

/* A segment with the entries @first up to @last; Return: its length. */
static uint64_t
put_segment(uint64_t number, uint64_t prev, uint64_t prev_end,
            unsigned first, unsigned last, int64_t ts)
{
    struct spool_control control = {
        .ts = ts, .prev = prev, .prev_end = prev_end, .entries = first - 1};
    char name[SPOOL_NAME_SIZE], id[UUID_SIZE];
    struct buf text;
    uint64_t len;

    buf_init(&text, 64 * 1024);
    CHECK_INT(spool_control_write(&text, &control), 0);
    for (unsigned n = first; n <= last; n++) {
        size_t at = text.len;

        uuid_print(id, id_of(n));
        CHECK_INT(buf_printf(&text, LINE_PREFIX "\"eventId\":\"%s\"}\n", id),
                  0);
        line_seal(text.data + at, text.len - at, ts);
    }
    put_file(spool_name(number, name), text.data, text.len);
    len = text.len;
    buf_deinit(&text);
    return len;
}

static struct spool_writer_start
find(void)
{
    struct spool_writer_start start;

    CHECK_INT(takeover_find(dirfd, NULL, &start), 0);
    return start;
}

static void
an_empty_spool_begins_at_one(void)
{
    struct spool_writer_start start;

    begin();
    start = find();
    CHECK_INT(start.number, 1);
    CHECK_INT(start.prev, 0);
    CHECK_INT(start.entries, 0);
    end();
}

static void
the_last_segment_that_holds_something_is_gone_on_from(void)
{
    struct spool_writer_start start;
    uint64_t first, second;

    begin();
    first = put_segment(1, 0, 0, 1, 3, NOW);
    second = put_segment(2, 1, first, 4, 8, NOW + 5);
    put_file("00000000000000000003.ndjson", "", 0);
    put_file("00000000000000000004.ndjson", "\0\0\0\0", 4);
    start = find();
    CHECK_INT(start.number, 5); /* the void ones' numbers are used up */
    CHECK_INT(start.prev, 2);
    CHECK_INT(start.prev_end, second);
    CHECK_INT(start.entries, 8);
    CHECK_INT(start.last_ts, NOW + 5);
    end();
}

static void
numbers_and_counts_outlive_segments_deleted_by_hand(void)
{
    static const char checkpoint[] =
        "{\"version\":1,\"position\":{\"segment\":41,\"offset\":7},"
        "\"streams\":[],\"counts\":{\"delivered\":100,\"dead\":2,"
        "\"dropped\":3}}";
    struct spool_writer_start start;

    begin();
    put_file(SPOOL_CHECKPOINT, checkpoint, sizeof(checkpoint) - 1);
    start = find();
    CHECK_INT(start.number, 42);
    CHECK_INT(start.entries, 105);
    (void)put_segment(50, 0, 0, 7, 9, NOW);
    start = find();
    CHECK_INT(start.number, 51);
    CHECK_INT(start.entries, 9); /* the segments know better */
    end();
}

static void
what_a_later_program_wrote_is_left_alone(void)
{
    static const char checkpoint[] = "{\"version\":2}";
    struct spool_writer_start start;

    begin();
    put_file(SPOOL_CHECKPOINT, checkpoint, sizeof(checkpoint) - 1);
    CHECK_INT(takeover_find(dirfd, NULL, &start), -EPROTO);
    put_file(SPOOL_CHECKPOINT, "{\"vers", 6); /* torn: none at all */
    CHECK_INT(takeover_find(dirfd, NULL, &start), 0);
    end();
}

static void
the_ids_of_the_last_day_are_known_again_and_no_others(void)
{
    static const uint8_t key[16];
    struct spool_writer_start start;
    struct seen *seen = seen_new(key);
    uint64_t first, second, third;
    int64_t day = INT64_C(1000) * SEEN_AGE_S;
    char name[SPOOL_NAME_SIZE];
    int fd;

    begin();
    first = put_segment(1, 0, 0, 1, 2, NOW - day - 1000);
    second = put_segment(2, 1, first, 3, 5, NOW - day + 1000);
    /* past where its successor says that it ends, nobody was told "taken" */
    third = put_segment(3, 2, second - 1, 6, 9, NOW);
    CHECK(third > 0);
    fd = fileio_open(dirfd, spool_name(3, name), O_WRONLY | O_APPEND);
    CHECK_INT(fileio_write_all(fd, "{\"_crc\":\"torn", 13), 0);
    (void)close(fd);

    start = find();
    CHECK_INT(start.prev_end, third);
    CHECK_INT(start.entries, 9);
    CHECK_INT(takeover_read_ids(dirfd, &start, seen, NOW), 0);
    for (unsigned n = 1; n <= 10; n++)
        CHECK_INT(seen_has(seen, id_of(n), NOW / 1000),
                  n == 3 || n == 4 || (n >= 6 && n <= 9));
    CHECK_INT(seen_count(seen), 6);
    seen_free(seen);
    end();
}

int
main(void)
{
    an_empty_spool_begins_at_one();
    the_last_segment_that_holds_something_is_gone_on_from();
    numbers_and_counts_outlive_segments_deleted_by_hand();
    what_a_later_program_wrote_is_left_alone();
    the_ids_of_the_last_day_are_known_again_and_no_others();
    return 0;
}
