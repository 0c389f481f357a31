/*
 * The shared page: what was published is read, and nothing that only looks
 * like it.
 */
#include "common/synced.h"

#include "common/fileio.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* As the page lies in the file. */
enum { VERSION_AT = 0, SEQUENCE_AT = 4, BOOT_AT = 8 };

static int dirfd;

static void
poke(off_t at, const void *bytes, size_t len)
{
    int fd = fileio_open(dirfd, SPOOL_SYNCED, O_RDWR);

    CHECK_INT(pwrite(fd, bytes, len, at), (ssize_t)len);
    (void)close(fd);
}

static void
nothing_is_read_before_something_is_published(void)
{
    struct synced *writer, *reader;
    struct spool_position position;

    CHECK_INT(synced_open(&reader, dirfd), -ENOENT);
    CHECK_INT(synced_create(&writer, dirfd), 0);
    CHECK_INT(synced_open(&reader, dirfd), 0);
    CHECK_INT(synced_read(reader, &position), 0);
    for (uint64_t i = 1; i < 100; i++) {
        synced_publish(writer, (struct spool_position){i, i * 3});
        CHECK_INT(synced_read(reader, &position), 1);
        CHECK_INT(position.segment, i);
        CHECK_INT(position.offset, i * 3);
    }
    synced_close(writer);
    CHECK_INT(synced_read(reader, &position), 1); /* it outlives its writer */
    synced_close(reader);
    synced_close(NULL);
}

static void
a_writer_that_died_within_publishing_is_not_believed(void)
{
    struct synced *writer, *reader;
    struct spool_position position;
    uint32_t odd = 7;

    CHECK_INT(synced_create(&writer, dirfd), 0);
    CHECK_INT(synced_open(&reader, dirfd), 0);
    synced_publish(writer, (struct spool_position){5, 50});
    poke(SEQUENCE_AT, &odd, sizeof(odd));
    CHECK_INT(synced_read(reader, &position), 0);
    synced_publish(writer, (struct spool_position){6, 60}); /* its successor */
    CHECK_INT(synced_read(reader, &position), 1);
    CHECK_INT(position.segment, 6);
    synced_close(writer);
    synced_close(reader);
}

static void
another_boots_page_is_not_believed(void)
{
    struct synced *writer, *reader;
    struct spool_position position;

    CHECK_INT(synced_create(&writer, dirfd), 0);
    CHECK_INT(synced_open(&reader, dirfd), 0);
    synced_publish(writer, (struct spool_position){5, 50});
    poke(BOOT_AT, "0", 1);
    poke(BOOT_AT + 1, "#", 1); /* no digit of any boot id */
    CHECK_INT(synced_read(reader, &position), 0);
    synced_publish(writer, (struct spool_position){5, 51});
    CHECK_INT(synced_read(reader, &position), 1);
    CHECK_INT(position.offset, 51);
    synced_close(writer);
    synced_close(reader);
}

static void
a_later_version_is_left_alone(void)
{
    struct synced *synced;
    uint32_t later = 2, now = 1;

    poke(VERSION_AT, &later, sizeof(later));
    CHECK_INT(synced_create(&synced, dirfd), -EPROTO);
    CHECK_INT(synced_open(&synced, dirfd), -EPROTO);
    poke(VERSION_AT, &now, sizeof(now));
    CHECK_INT(synced_open(&synced, dirfd), 0);
    synced_close(synced);
}

static void
a_page_that_is_just_being_made_is_none_yet(void)
{
    struct synced *synced;
    int fd = fileio_open(dirfd, SPOOL_SYNCED, O_RDWR);

    CHECK_INT(ftruncate(fd, 10), 0);
    (void)close(fd);
    CHECK_INT(synced_open(&synced, dirfd), -ENOENT);
    CHECK_INT(synced_create(&synced, dirfd), 0);
    synced_close(synced);
}

int
main(void)
{
    char dir[] = "/tmp/clickspool-synced-XXXXXX", command[64];

    CHECK(mkdtemp(dir));
    dirfd = fileio_open_dir(dir);
    CHECK(dirfd >= 0);
    nothing_is_read_before_something_is_published();
    a_writer_that_died_within_publishing_is_not_believed();
    another_boots_page_is_not_believed();
    a_later_version_is_left_alone();
    a_page_that_is_just_being_made_is_none_yet();
    (void)close(dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
    return 0;
}
