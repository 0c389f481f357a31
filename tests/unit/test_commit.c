/*
 * Group commit: tickets come back once, in order, and what they say of the
 * disk is so.
 */
#include "ingest/commit.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/line.h"
#include "common/spool.h"
#include "common/synced.h"
#include "ingest/spool_writer.h"
#include "ingest/takeover.h"
#include "tests/check.h"
#include "tests/unit/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1767323045000)
enum { TICKETS = 12 };

struct world {
    char dir[64];
    int dirfd;
    struct synced *synced;
    struct histogram sync_us;
    struct spool_writer *writer;
    struct commit_stats stats;
    struct commit *commit;
    uv_loop_t loop;
    struct commit_port port;
};

static struct commit_ticket tickets[TICKETS];
static int returned[TICKETS + 1], returned_count; /* in order, and status */
static int status_of[TICKETS];
static bool inside; /* an append is running */

static void
done(struct commit_ticket *ticket, int status)
{
    CHECK(!inside);
    CHECK(returned_count < TICKETS);
    returned[returned_count++] = (int)(ticket - tickets);
    status_of[ticket - tickets] = status;
}

static void
begin(struct world *world)
{
    struct spool_writer_options options = {
        .segment_size = 64 * 1024, .segment_age_us = INT64_C(3600000000)};
    struct spool_writer_start start;

    *world = (struct world){.dir = "/tmp/clickspool-commit-XXXXXX"};
    CHECK(mkdtemp(world->dir));
    world->dirfd = options.dirfd = fileio_open_dir(world->dir);
    CHECK_INT(synced_create(&world->synced, world->dirfd), 0);
    options.synced = world->synced;
    options.sync_us = &world->sync_us;
    CHECK_INT(takeover_find(world->dirfd, world->synced, &start), 0);
    CHECK_INT(spool_writer_open(&world->writer, &options, &start, NOW,
                                clock_mono_us()), 0);
    CHECK_INT(commit_new(&world->commit, world->writer, &world->stats), 0);
    CHECK_INT(uv_loop_init(&world->loop), 0);
    CHECK_INT(commit_port_open(&world->port, world->commit, &world->loop), 0);
    returned_count = 0;
}

/* A turn of the loop flushes; then until all have come back. */
static void
turn(struct world *world)
{
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    while (world->port.pending)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
}

/* Return: the entries that a successor would find. */
static uint64_t
end(struct world *world)
{
    struct spool_writer_start start;
    char command[128];

    commit_port_close(&world->port);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&world->loop), 0);
    commit_free(world->commit);
    spool_writer_close(world->writer);
    faults_fail_call(0, 0, false);
    CHECK_INT(takeover_find(world->dirfd, world->synced, &start), 0);
    synced_close(world->synced);
    (void)close(world->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->dir);
    CHECK(system(command) == 0);
    return start.entries;
}

/* Ticket @n with one line, or a barrier where @entries is 0. */
static int
append(struct world *world, int n, unsigned entries, int64_t ts)
{
    char line[128];
    int len = snprintf(line, sizeof(line),
                       LINE_PREFIX "\"eventId\":\"%036d\"}\n", n), r;

    tickets[n] =
        (struct commit_ticket){.done = done, .ts = ts, .entries = entries};
    inside = true;
    r = commit_append(&world->port, &tickets[n], line,
                      entries ? (size_t)len : 0);
    inside = false;
    return r;
}

static void
tickets_come_back_once_and_in_the_order_of_their_appends(void)
{
    struct world world;

    begin(&world);
    for (int n = 0; n < TICKETS; n++) {
        CHECK_INT(append(&world, n, n % 3 != 2, NOW + n), 0);
        if (n % 5 == 4)
            (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    turn(&world);
    CHECK_INT(returned_count, TICKETS);
    for (int n = 0; n < TICKETS; n++) {
        CHECK_INT(returned[n], n);
        CHECK_INT(status_of[n], 0);
    }
    CHECK_INT(end(&world), 8);
}

static void
what_is_acknowledged_is_in_the_spool_whichever_call_fails(void)
{
    bool fired = true;

    for (int nth = 1; fired && nth < 100; nth++)
        for (int half = 0; half < 2; half++) {
            struct world world;
            uint64_t acknowledged = 0;

            begin(&world);
            faults_fail_call(FAULTS_ALL, nth, half);
            for (int n = 0; n < 6; n++) {
                CHECK_INT(append(&world, n, 1, NOW + n), 0);
                if (n % 2)
                    turn(&world);
            }
            CHECK_INT(returned_count, 6);
            for (int n = 0; n < 6; n++)
                acknowledged += status_of[n] == 0;
            fired = faults_fired();
            if (!half)
                CHECK_INT(faults_after(), 0);
            CHECK_INT(end(&world), acknowledged);
            CHECK_INT(acknowledged, 6); /* one failure is got over */
        }
    CHECK(!fired);
}

static ssize_t
broken_write(int fd, const void *bytes, size_t len)
{
    (void)fd, (void)bytes, (void)len;
    errno = EIO;
    return -1;
}

static void
a_disk_that_stays_broken_is_told_to_each_line_and_to_no_barrier(void)
{
    struct world world;

    begin(&world);
    faults_fail_call(0, 0, false);
    CHECK_INT(append(&world, 0, 1, NOW), 0);
    turn(&world);
    fileio_ops.write = broken_write;
    CHECK_INT(append(&world, 1, 1, NOW), 0);
    CHECK_INT(append(&world, 2, 0, NOW), 0);
    CHECK_INT(append(&world, 3, 1, NOW), 0);
    turn(&world);
    CHECK_INT(append(&world, 4, 1, NOW), 0);
    turn(&world);
    faults_fail_call(0, 0, false);
    CHECK_INT(append(&world, 5, 1, NOW), 0); /* it recovers by itself */
    turn(&world);
    CHECK_INT(returned_count, 6);
    CHECK_INT(status_of[0], 0);
    CHECK_INT(status_of[1], -EIO);
    CHECK_INT(status_of[2], 0);
    CHECK_INT(status_of[3], -EIO);
    CHECK_INT(status_of[4], -EIO);
    CHECK_INT(status_of[5], 0);
    CHECK_INT(end(&world), 2);
}

static void
a_ticket_that_is_not_taken_never_comes_back(void)
{
    static char lines[COMMIT_MAX + 1];
    struct world world;
    size_t one, len;

    begin(&world);
    one = (size_t)snprintf(lines, sizeof(lines),
                           LINE_PREFIX "\"eventId\":\"%036d\"}\n", 0);
    for (len = one; len + one <= COMMIT_MAX; len += one)
        memcpy(lines + len, lines, one);
    tickets[0] = (struct commit_ticket){.done = done, .ts = NOW,
                                        .entries = (unsigned)(len / one)};
    tickets[1] = tickets[2] = tickets[0];
    CHECK_INT(commit_append(&world.port, &tickets[1], lines, COMMIT_MAX + 1),
              -EMSGSIZE);
    CHECK_INT(commit_append(&world.port, &tickets[0], lines, len), 0);
    CHECK_INT(commit_append(&world.port, &tickets[2], lines, one),
              COMMIT_FULL);
    CHECK_INT(append(&world, 3, 0, NOW), 0); /* a barrier needs no room */
    turn(&world);
    CHECK_INT(returned_count, 2);
    CHECK_INT(returned[0], 0);
    CHECK_INT(returned[1], 3);
    CHECK_INT(append(&world, 4, 1, NOW), 0); /* there is room again */
    turn(&world);
    CHECK_INT(returned_count, 3);
    CHECK_INT(end(&world), len / one + 1);
}

static void
a_time_that_falls_begins_a_segment_and_a_little_is_smoothed(void)
{
    struct spool_list list;
    struct world world;

    begin(&world);
    CHECK_INT(append(&world, 0, 1, NOW + 1000), 0);
    CHECK_INT(append(&world, 1, 1, NOW), 0);
    turn(&world);
    CHECK_INT(append(&world, 2, 1, NOW), 0);
    turn(&world);
    CHECK_INT(spool_list_read(&list, world.dirfd), 0);
    CHECK_INT(list.count, 1);
    spool_list_deinit(&list);
    CHECK_INT(append(&world, 3, 1, NOW + 1), 0);
    CHECK_INT(append(&world, 4, 1, NOW - SPOOL_WRITER_FALL_MS - 1), 0);
    turn(&world);
    CHECK_INT(spool_list_read(&list, world.dirfd), 0);
    CHECK_INT(list.count, 2);
    spool_list_deinit(&list);
    for (int n = 0; n < 5; n++)
        CHECK_INT(status_of[n], 0);
    CHECK_INT(end(&world), 5);
}

int
main(void)
{
    tickets_come_back_once_and_in_the_order_of_their_appends();
    what_is_acknowledged_is_in_the_spool_whichever_call_fails();
    a_disk_that_stays_broken_is_told_to_each_line_and_to_no_barrier();
    a_ticket_that_is_not_taken_never_comes_back();
    a_time_that_falls_begins_a_segment_and_a_little_is_smoothed();
    return 0;
}
