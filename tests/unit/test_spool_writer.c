/*
 * The spool's writing end under every single failure: what was told durable is
 * read back, what was told failed never is, and a segment that failed is not
 * touched again.
 */
#include "ingest/spool_writer.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/histogram.h"
#include "common/line.h"
#include "common/spool.h"
#include "common/synced.h"
#include "ingest/takeover.h"
#include "shipper/spool_reader.h"
#include "tests/check.h"
#include "tests/unit/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMMITS = 12, SEGMENT_SIZE = 400 };

struct world {
    char dir[64];
    int dirfd;
    struct synced *synced;
    struct histogram sync_us;
    struct spool_writer *writer;
};

static int
open_writer(struct world *world, int64_t now_ms)
{
    struct spool_writer_options options = {
        .dirfd = world->dirfd,
        .synced = world->synced,
        .segment_size = SEGMENT_SIZE,
        .segment_age_us = INT64_C(3600) * 1000000,
        .sync_us = &world->sync_us,
    };
    struct spool_writer_start start;
    int r = takeover_find(world->dirfd, world->synced, &start);

    return r ? r
             : spool_writer_open(&world->writer, &options, &start, now_ms, 0);
}

static void
begin(struct world *world)
{
    *world = (struct world){.dir = "/tmp/clickspool-writer-XXXXXX"};
    CHECK(mkdtemp(world->dir));
    world->dirfd = fileio_open_dir(world->dir);
    CHECK(world->dirfd >= 0);
    CHECK_INT(synced_create(&world->synced, world->dirfd), 0);
}

static void
end(struct world *world)
{
    char command[128];

    spool_writer_close(world->writer);
    synced_close(world->synced);
    (void)close(world->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->dir);
    CHECK(system(command) == 0);
}

/* One entry, @n, at @ts. */
static int
commit(struct world *world, int n, int64_t ts)
{
    char line[128];
    int len = snprintf(line, sizeof(line),
                       LINE_PREFIX "\"eventId\":\"%036d\"}\n", n);

    line_seal(line, (size_t)len, ts);
    return spool_writer_commit(world->writer, line, (size_t)len, 1, ts, ts, 0);
}

/* The entries that a reader finds, a bit each, and none of them twice. */
static unsigned
stored(const struct world *world)
{
    struct spool_reader *reader;
    struct spool_item item;
    unsigned found = 0;
    int r;

    CHECK_INT(spool_reader_new(&reader, world->dirfd, false), 0);
    while ((r = spool_reader_next(reader, true, &item)) == 1) {
        const char *id = line_event_id(item.bytes, item.len + 1);
        int n = (int)strtol(id, NULL, 10);

        CHECK(!(found & 1u << n));
        found |= 1u << n;
    }
    CHECK_INT(r, 0);
    spool_reader_free(reader);
    return found;
}

/* A run with one failure.  Return: whether it struck. */
static bool
run(unsigned kinds, int nth, bool short_write)
{
    unsigned durable = 0;
    struct world world;
    bool struck;
    int n = 0;

    begin(&world);
    faults_fail_call(kinds, nth, short_write);
    while (open_writer(&world, 1000) < 0)
        CHECK(n++ < 2);
    for (n = 0; n < COMMITS; n++)
        if (commit(&world, n, 1000 + n) == 0)
            durable |= 1u << n;
    CHECK(faults_after() == 0);
    struck = faults_fired();
    faults_fail_call(0, 0, false);
    /* One failure is survived by the second try in a new segment. */
    CHECK_INT(durable, (1u << COMMITS) - 1);
    CHECK_INT(stored(&world), durable);

    /* The same after the next start, which seals what it finds. */
    spool_writer_close(world.writer);
    world.writer = NULL;
    CHECK_INT(open_writer(&world, 2000), 0);
    CHECK_INT(stored(&world), durable);
    end(&world);
    return struck;
}

static void
every_single_failure_is_survived(void)
{
    static const struct {
        unsigned kinds;
        bool short_write;
        int least;
    } ways[] = {{FAULTS_WRITE, false, 15},
                {FAULTS_WRITE, true, 15},
                {FAULTS_SYNC, false, 20},
                {FAULTS_OPEN, false, 4}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        int nth = 1;

        while (run(ways[i].kinds, nth, ways[i].short_write))
            nth++;
        CHECK(nth > ways[i].least);
    }
}

static int
always_failing(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void
what_was_told_failed_is_never_read(void)
{
    struct world world;

    begin(&world);
    faults_fail_call(0, 0, false);
    CHECK_INT(open_writer(&world, 1000), 0);
    CHECK_INT(commit(&world, 0, 1000), 0);
    fileio_ops.fdatasync = always_failing;
    CHECK_INT(commit(&world, 1, 1001), -EIO);
    CHECK_INT(commit(&world, 2, 1002), -EIO);
    fileio_ops.fdatasync = fdatasync;
    CHECK_INT(stored(&world), 1);
    CHECK_INT(commit(&world, 3, 1003), 0);
    CHECK_INT(stored(&world), 9);
    end(&world);
}

static void
a_fall_of_the_clock_begins_a_segment_and_a_small_one_does_not(void)
{
    struct spool_list list;
    struct world world;

    begin(&world);
    faults_fail_call(0, 0, false);
    CHECK_INT(open_writer(&world, 1000000), 0);
    CHECK_INT(commit(&world, 0, 1000000), 0);
    CHECK_INT(spool_writer_clamp(world.writer, 1000000 - 300000), 1000000);
    CHECK(spool_writer_falls(world.writer, 1000000 - 300001));
    CHECK_INT(commit(&world, 1, 1000000 - 300001), 0);
    CHECK_INT(spool_list_read(&list, world.dirfd), 0);
    CHECK_INT(list.count, 2);
    spool_list_deinit(&list);
    CHECK_INT(stored(&world), 3);
    end(&world);
}

int
main(void)
{
    every_single_failure_is_survived();
    what_was_told_failed_is_never_read();
    a_fall_of_the_clock_begins_a_segment_and_a_small_one_does_not();
    return 0;
}
