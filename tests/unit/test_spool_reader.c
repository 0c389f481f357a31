/*
 * What shipper reads of a spool: everything that was acknowledged, once, in
 * order, and nothing else, whatever the folder holds.
 */
#include "common/buf.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/spool.h"
#include "common/synced.h"
#include "shipper/spool_reader.h"
#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    char dir[64];
    int dirfd;
    struct spool_reader *reader;
};

static void
begin(struct world *world)
{
    *world = (struct world){.dir = "/tmp/clickspool-reader-XXXXXX"};
    CHECK(mkdtemp(world->dir));
    world->dirfd = fileio_open_dir(world->dir);
    CHECK(world->dirfd >= 0);
    CHECK(!spool_reader_new(&world->reader, world->dirfd, false));
}

static void
end(struct world *world)
{
    char command[128];

    spool_reader_free(world->reader);
    (void)close(world->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->dir);
    CHECK(system(command) == 0);
}

/* "c" a control line naming the segment before; a digit an entry; "x" bytes
 * that are no line; "t" a torn line.  Return: the length. */
static uint64_t
write_segment(const struct world *world, uint64_t number, uint64_t prev,
              uint64_t prev_end, const char *what)
{
    struct spool_control control = {
        .ts = 1000, .prev = prev, .prev_end = prev_end};
    char name[SPOOL_NAME_SIZE], line[128];
    struct buf text;
    uint64_t len;
    int fd;

    buf_init(&text, 1 << 20);
    for (; *what; what++) {
        if (*what == 'c')
            CHECK(!spool_control_write(&text, &control));
        else if (*what == 'x')
            (void)buf_puts(&text, "garbage\n");
        else if (*what == 't')
            (void)buf_puts(&text, "{\"_crc\":\"0");
        else {
            int n = snprintf(line, sizeof(line),
                             LINE_PREFIX "\"eventId\":\"%c\"}\n", *what);

            line_seal(line, (size_t)n, 1000);
            (void)buf_append(&text, line, (size_t)n);
        }
    }
    fd = fileio_open(world->dirfd, spool_name(number, name),
                     O_WRONLY | O_CREAT | O_TRUNC);
    CHECK(fd >= 0 && !fileio_write_all(fd, text.data, text.len));
    (void)close(fd);
    len = text.len;
    buf_deinit(&text);
    return len;
}

/* All that comes, as a text: a digit an entry, "!" a bad run. */
static const char *
read_all(struct world *world)
{
    static char text[64];
    struct spool_item item;
    size_t len = 0;

    while (spool_reader_next(world->reader, true, &item) == 1) {
        CHECK(len < sizeof(text) - 1);
        if (item.bytes)
            CHECK(item.bytes[item.len - 1] == '}');
        text[len++] = item.bytes ? item.bytes[item.len - 3] : '!';
        CHECK(spool_position_compare(item.position, item.next) < 0);
    }
    text[len] = '\0';
    return text;
}

static void
is_read(struct world *world, const char *expected)
{
    const char *got = read_all(world);

    if (strcmp(got, expected))
        fprintf(stderr, "read \"%s\", not \"%s\"\n", got, expected);
    CHECK(!strcmp(got, expected));
}

static void
a_sealed_segment_ends_where_its_successor_says(void)
{
    struct world world;
    uint64_t len;

    begin(&world);
    len = write_segment(&world, 1, 0, 0, "c12");
    (void)write_segment(&world, 1, 0, 0, "c123xt");
    (void)write_segment(&world, 2, 1, len, "c4t");
    is_read(&world, "124");
    end(&world);
}

static void
what_an_empty_folder_gets_later_is_read(void)
{
    struct world world;

    begin(&world);
    is_read(&world, "");
    (void)write_segment(&world, 7, 0, 0, "c1");
    is_read(&world, "1");
    end(&world);
}

static void
a_position_is_gone_back_to_exactly(void)
{
    struct world world;
    struct spool_item item;
    struct spool_position second;

    begin(&world);
    (void)write_segment(&world, 1, 0, 0, "c123");
    CHECK(spool_reader_next(world.reader, true, &item) == 1);
    second = item.next;
    is_read(&world, "23");
    spool_reader_seek(world.reader, second);
    is_read(&world, "23");
    end(&world);
}

static void
files_that_no_successor_names_hold_nothing(void)
{
    struct world world;
    uint64_t len;

    begin(&world);
    len = write_segment(&world, 1, 0, 0, "c1");
    (void)write_segment(&world, 2, 1, len, "");
    (void)write_segment(&world, 3, 1, len, "c");
    (void)write_segment(&world, 4, 1, len, "c2");
    is_read(&world, "12");
    end(&world);
}

static void
bad_bytes_are_told_once_a_run_and_good_lines_follow(void)
{
    struct world world;
    uint64_t len;

    begin(&world);
    len = write_segment(&world, 1, 0, 0, "c1xx2x3");
    (void)write_segment(&world, 2, 1, len, "c4");
    is_read(&world, "1!2!34");
    end(&world);
}

static void
a_segment_whose_first_line_is_bad_is_read_all_the_same(void)
{
    struct world world;
    uint64_t first, second;

    begin(&world);
    first = write_segment(&world, 1, 0, 0, "c1");
    second = write_segment(&world, 2, 1, first, "x2");
    (void)write_segment(&world, 3, 2, second, "c3");
    is_read(&world, "1!23");
    end(&world);
}

static void
a_segment_removed_by_hand_ends_what_was_before_it_and_no_more(void)
{
    struct world world;

    begin(&world);
    (void)write_segment(&world, 1, 0, 0, "c12t");
    (void)write_segment(&world, 3, 2, 500, "c3");
    is_read(&world, "123");
    end(&world);
}

static void
nothing_is_read_past_what_is_published_while_ingest_lives(void)
{
    struct world world;
    struct synced *synced;
    struct spool_item item;
    uint64_t first, all;
    int status, lock, ready[2], leave[2];
    pid_t child;

    begin(&world);
    all = write_segment(&world, 1, 0, 0, "c12");
    first = write_segment(&world, 1, 0, 0, "c1");
    (void)write_segment(&world, 1, 0, 0, "c12");
    CHECK(!synced_create(&synced, world.dirfd));
    synced_publish(synced, (struct spool_position){1, first});
    CHECK(!pipe(ready) && !pipe(leave));
    child = fork();
    CHECK(child >= 0);
    if (!child) { /* ingest, as far as its lock goes */
        char byte = 0;

        lock = fileio_lock(world.dirfd, SPOOL_INGEST_LOCK);
        (void)!write(ready[1], &byte, 1);
        (void)close(leave[1]);
        (void)!read(leave[0], &byte, 1);
        _exit(lock < 0);
    }
    CHECK(read(ready[0], &item, 1) == 1);
    is_read(&world, "1");
    synced_publish(synced, (struct spool_position){1, all});
    CHECK(spool_reader_next(world.reader, false, &item) == 1);
    CHECK(item.bytes[item.len - 3] == '2');

    CHECK(!close(leave[1]));
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    synced_close(synced);
    for (int i = 0; i < 2; i++)
        (void)close(ready[i]);
    (void)close(leave[0]);
    end(&world);
}

static void
an_unacknowledged_line_is_not_read_after_ingest_died(void)
{
    struct world world;
    struct synced *synced;
    uint64_t first;

    begin(&world);
    first = write_segment(&world, 1, 0, 0, "c1");
    (void)write_segment(&world, 1, 0, 0, "c12");
    CHECK(!synced_create(&synced, world.dirfd));
    synced_publish(synced, (struct spool_position){1, first});
    is_read(&world, "1");
    synced_close(synced);
    end(&world);
}

static void
a_version_that_is_not_known_is_told(void)
{
    static const char body[] = "\"_segment\":{\"v\":2,\"prev\":\"\","
                               "\"prevEnd\":0,\"entries\":0}}\n";
    char line[256] = LINE_PREFIX, name[SPOOL_NAME_SIZE];
    struct spool_item item;
    struct world world;
    int fd;

    begin(&world);
    (void)strcat(line, body);
    line_seal(line, strlen(line), 1000);
    fd = fileio_open(world.dirfd, spool_name(1, name), O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, line, strlen(line)));
    (void)close(fd);
    CHECK(spool_reader_next(world.reader, true, &item) == SPOOL_UNKNOWN);
    end(&world);
}

int
main(void)
{
    a_sealed_segment_ends_where_its_successor_says();
    what_an_empty_folder_gets_later_is_read();
    a_position_is_gone_back_to_exactly();
    files_that_no_successor_names_hold_nothing();
    bad_bytes_are_told_once_a_run_and_good_lines_follow();
    a_segment_whose_first_line_is_bad_is_read_all_the_same();
    a_segment_removed_by_hand_ends_what_was_before_it_and_no_more();
    nothing_is_read_past_what_is_published_while_ingest_lives();
    an_unacknowledged_line_is_not_read_after_ingest_died();
    a_version_that_is_not_known_is_told();
    return 0;
}
