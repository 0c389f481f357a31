/*
 * Dead letters: durable or told, never written twice after a crash, never
 * behind a torn end.
 */
#include "shipper/dead_letter.h"

#include "common/fileio.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct spool_position start = {0, 0};
static char dir[64];
static int dirfd;

static void
begin(void)
{
    (void)strcpy(dir, "/tmp/clickspool-dead-XXXXXX");
    CHECK(mkdtemp(dir));
    dirfd = fileio_open_dir(dir);
    CHECK(dirfd >= 0);
}

static void
end(void)
{
    char command[128];

    (void)close(dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
}

static void
add(struct dead_letter *dead, uint64_t offset, const char *entry)
{
    CHECK(!dead_letter_add(dead, &(struct dead_letter_why){.reason = "too_old"},
                           (struct spool_position){7, offset},
                           (struct slice){entry, strlen(entry)}, 0));
}

/* How often @text stands in the file; 0 where there is no file. */
static int
count(const char *name, const char *text)
{
    char *bytes, *at;
    size_t len;
    int n = 0;

    if (fileio_read_all(dirfd, name, 1 << 20, &bytes, &len) < 0)
        return 0;
    for (at = bytes; (at = strstr(at, text)); at++)
        n++;
    free(bytes);
    return n;
}

static void
a_letter_keeps_the_entry_verbatim(void)
{
    struct dead_letter *dead;

    begin();
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    add(dead, 100, "{\"a\":1e400}");
    CHECK(!count(SPOOL_DEAD_LETTER, "offset"));
    CHECK(!dead_letter_sync(dead));
    CHECK(count(SPOOL_DEAD_LETTER,
                "{\"reason\":\"too_old\",\"code\":null,\"failedAt\":"
                "\"1970-01-01T00:00:00.000Z\",\"segment\":"
                "\"00000000000000000007.ndjson\",\"offset\":100,"
                "\"entry\":{\"a\":1e400}}\n") == 1);
    dead_letter_close(dead);
    end();
}

static void
after_a_crash_nothing_is_written_twice(void)
{
    struct dead_letter *dead;

    begin();
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    dead_letter_close(dead);

    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20,
                            (struct spool_position){7, 100}));
    add(dead, 100, "{}");
    add(dead, 200, "{}");
    CHECK(!dead_letter_sync(dead));
    CHECK(count(SPOOL_DEAD_LETTER, "\"offset\":100,") == 1);
    CHECK(count(SPOOL_DEAD_LETTER, "\"offset\":200,") == 1);
    dead_letter_close(dead);
    end();
}

static void
behind_a_torn_end_a_new_file_begins(void)
{
    struct dead_letter *dead;
    int fd;

    begin();
    fd = fileio_open(dirfd, SPOOL_DEAD_LETTER, O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, "{\"reason\":\"to", 13));
    (void)close(fd);
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    CHECK(count("dead-letter.2.ndjson", "\"offset\":100,") == 1);
    CHECK(count(SPOOL_DEAD_LETTER, "\"offset\":100,") == 0);
    dead_letter_close(dead);
    end();
}

static int
failing(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void
a_file_that_failed_a_sync_is_never_written_again(void)
{
    struct dead_letter *dead;
    char *bytes;
    size_t before, after;

    begin();
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    fileio_ops.fdatasync = failing;
    add(dead, 100, "{}");
    CHECK(dead_letter_sync(dead) == -EIO);
    fileio_ops.fdatasync = fdatasync;
    CHECK(!fileio_read_all(dirfd, SPOOL_DEAD_LETTER, 1 << 20, &bytes, &before));
    free(bytes);

    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    CHECK(count("dead-letter.2.ndjson", "\"offset\":100,") == 1);
    CHECK(!fileio_read_all(dirfd, SPOOL_DEAD_LETTER, 1 << 20, &bytes, &after));
    free(bytes);
    CHECK(before == after);
    dead_letter_close(dead);
    end();
}

static ssize_t
full(int fd, const void *bytes, size_t len)
{
    (void)fd;
    (void)bytes;
    (void)len;
    errno = ENOSPC;
    return -1;
}

static void
a_full_disk_costs_no_file_a_try(void)
{
    struct dead_letter *dead;

    begin();
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    fileio_ops.write = full;
    for (int i = 0; i < 10; i++) {
        add(dead, 100, "{}");
        CHECK(dead_letter_sync(dead) == -ENOSPC);
    }
    fileio_ops.write = write;
    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    CHECK(count(SPOOL_DEAD_LETTER, "\"offset\":100,") == 1);
    dead_letter_close(dead);
    end();
}

static void
letters_are_found_wherever_their_file_stands(void)
{
    static const char letter[] =
        "{\"reason\":\"bad_bytes\",\"segment\":"
        "\"00000000000000000007.ndjson\",\"offset\":2}\n";
    struct dead_letter *dead;
    int fd;

    begin();
    fd = fileio_open(dirfd, "dead-letter.500.ndjson", O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, letter, strlen(letter)));
    (void)close(fd);
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    CHECK(dead_letter_keeps(dead, 7));
    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    CHECK(count("dead-letter.500.ndjson", "\"offset\":100,") == 1);
    dead_letter_close(dead);
    end();
}

static void
past_the_limit_nothing_is_written(void)
{
    struct dead_letter *dead;

    begin();
    CHECK(!dead_letter_open(&dead, dirfd, 200, start));
    add(dead, 100, "{}");
    CHECK(!dead_letter_sync(dead));
    add(dead, 200, "{}");
    CHECK(dead_letter_sync(dead) == DEAD_LETTER_FULL);
    CHECK(count(SPOOL_DEAD_LETTER, "\"offset\":200,") == 0);
    dead_letter_close(dead);
    end();
}

static void
a_segment_with_bad_bytes_is_kept_also_after_a_restart(void)
{
    char name[SPOOL_NAME_SIZE];
    struct dead_letter *dead;
    int fd;

    begin();
    fd = fileio_open(dirfd, spool_name(7, name), O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, "0123456789", 10));
    (void)close(fd);
    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20, start));
    CHECK(!dead_letter_add_bad(dead, (struct spool_position){7, 2}, 3, 0));
    CHECK(!dead_letter_sync(dead));
    CHECK(count(SPOOL_DEAD_LETTER, "\"length\":3,\"entry\":null,"
                                   "\"base64\":\"MjM0\"}") == 1);
    CHECK(dead_letter_keeps(dead, 7) && !dead_letter_keeps(dead, 8));
    dead_letter_close(dead);

    CHECK(!dead_letter_open(&dead, dirfd, 1 << 20,
                            (struct spool_position){9, 0}));
    CHECK(dead_letter_keeps(dead, 7));
    dead_letter_close(dead);
    end();
}

int
main(void)
{
    a_letter_keeps_the_entry_verbatim();
    after_a_crash_nothing_is_written_twice();
    behind_a_torn_end_a_new_file_begins();
    a_file_that_failed_a_sync_is_never_written_again();
    a_full_disk_costs_no_file_a_try();
    letters_are_found_wherever_their_file_stands();
    past_the_limit_nothing_is_written();
    a_segment_with_bad_bytes_is_kept_also_after_a_restart();
    return 0;
}
