/*
 * Whichever call fails, a reader finds the old file or the new, never a mix.
 */
#include "common/fileio.h"

#include "tests/check.h"
#include "tests/unit/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64];
static int dirfd;

static void
replace_is_all_or_nothing_at_every_call(void)
{
    int nth = 0;

    do {
        char *now;
        size_t len;
        int r;

        faults_fail_call(0, 0, false);
        CHECK_INT(fileio_replace(dirfd, "checkpoint.json", "old", 3), 0);
        faults_fail_call(FAULTS_ALL, ++nth, false);
        r = fileio_replace(dirfd, "checkpoint.json", "new", 3);
        CHECK_INT(r, faults_fired() ? -EIO : 0);

        faults_fail_call(0, 0, false);
        if (r < 0) {
            CHECK_INT(fileio_read_all(dirfd, "checkpoint.json", 10, &now,
                                      &len), 0);
            CHECK(!strcmp(now, "old") || !strcmp(now, "new"));
        } else {
            CHECK_INT(nth, 6); /* open, write, sync, rename, sync; and none */
            return;
        }
        free(now);
    } while (nth < 20);
    CHECK(!"replace never succeeded");
}

static void
a_short_write_is_gone_on_with(void)
{
    char *now;
    size_t len;

    faults_fail_call(FAULTS_WRITE, 1, true);
    CHECK_INT(fileio_replace(dirfd, "checkpoint.json", "whole", 5), 0);
    CHECK(faults_fired());
    CHECK_INT(fileio_read_all(dirfd, "checkpoint.json", 10, &now, &len), 0);
    CHECK_STR(now, "whole");
    free(now);
}

static ssize_t
write_nothing(int fd, const void *bytes, size_t len)
{
    static int times;

    (void)fd, (void)bytes, (void)len;
    CHECK(++times < 10);
    return 0;
}

static void
a_write_of_nothing_is_a_failure(void)
{
    struct fileio_ops kept = fileio_ops;

    fileio_ops.write = write_nothing;
    CHECK_INT(fileio_write_all(1, "x", 1), -EIO);
    fileio_ops = kept;
}

static void
a_file_past_the_limit_is_not_read(void)
{
    char *now;
    size_t len;

    CHECK_INT(fileio_replace(dirfd, "large", "0123456789", 10), 0);
    CHECK_INT(fileio_read_all(dirfd, "large", 9, &now, &len), -EFBIG);
    CHECK_INT(fileio_read_all(dirfd, "large", 10, &now, &len), 0);
    CHECK_INT(len, 10);
    free(now);
    CHECK_INT(fileio_read_all(dirfd, "absent", 10, &now, &len), -ENOENT);
}

static void
a_lock_is_held_by_one_and_dies_with_its_descriptor(void)
{
    int first = fileio_lock(dirfd, "lock");

    CHECK(first >= 0);
    CHECK_INT(fileio_lock(dirfd, "lock"), -EAGAIN);
    CHECK_INT(fileio_locked(dirfd, "lock"), 1);
    CHECK_INT(close(first), 0);
    CHECK_INT(fileio_locked(dirfd, "lock"), 0);
    CHECK_INT(fileio_locked(dirfd, "never-made"), 0);
}

int
main(void)
{
    char command[128];

    (void)strcpy(dir, "/tmp/clickspool-fileio-XXXXXX");
    CHECK(mkdtemp(dir));
    dirfd = fileio_open_dir(dir);
    CHECK(dirfd >= 0);
    replace_is_all_or_nothing_at_every_call();
    a_short_write_is_gone_on_with();
    a_write_of_nothing_is_a_failure();
    a_file_past_the_limit_is_not_read();
    a_lock_is_held_by_one_and_dies_with_its_descriptor();
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
    return 0;
}
