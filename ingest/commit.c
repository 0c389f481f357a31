#include "ingest/commit.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/line.h"
#include "ingest/spool_writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEEP = 512 * 1024 }; /* memory that a group keeps when it is empty */

struct group {
    struct buf bytes;
    struct commit_ticket *first, **end;
};

struct commit {
    struct spool_writer *writer; /* the thread's alone */
    struct commit_stats *stats;  /* the commit thread's own */
    struct commit_stats shown;   /* as of the last commit; under the lock */
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t work;
    bool wanted; /* a loop has flushed: do not wait */
    bool stop;
    struct group groups[2];
    struct group *gathering; /* the other one is the thread's */
};

static void
group_empty(struct group *group)
{
    buf_shrink(&group->bytes, KEEP);
    group->first = NULL;
    group->end = &group->first;
}

/* A run of tickets whose lines may stand in one segment, in order. */
struct run {
    struct commit_ticket *first, *end; /* end is behind it, or NULL */
    size_t len;
    unsigned entries;
    int64_t first_ts, last_ts;
};

static void
seal_lines(char *lines, size_t len, int64_t ts)
{
    while (len) {
        char *newline = memchr(lines, '\n', len);
        size_t line = (size_t)(newline - lines) + 1;

        line_seal(lines, line, ts);
        lines += line;
        len -= line;
    }
}

/*
 * Times are given here, where the order is settled.  A run ends before a
 * ticket whose time falls: that one begins a new segment.
 */
static struct run
next_run(const struct spool_writer *writer, struct commit_ticket *ticket,
         char *bytes)
{
    struct run run = {.first = ticket};
    bool begun = false;

    for (; ticket; ticket = ticket->next) {
        int64_t ts = ticket->ts;

        if (ticket->len) {
            if (begun && ts < run.last_ts - SPOOL_WRITER_FALL_MS)
                break;
            if (!begun)
                run.first_ts = ts = spool_writer_clamp(writer, ts);
            else if (ts < run.last_ts)
                ts = run.last_ts;
            begun = true;
            seal_lines(bytes + run.len, ticket->len, ts);
            run.last_ts = ts;
        }
        run.len += ticket->len;
        run.entries += ticket->entries;
    }
    run.end = ticket;
    return run;
}

/* Barriers that wait for lines of this group share their fate by order alone:
 * what they asked for was appended before, and is settled before them. */
static void
commit_group(struct commit *commit, struct group *group)
{
    struct commit_ticket *ticket = group->first;
    char *bytes = group->bytes.data;

    while (ticket) {
        int64_t start = clock_mono_us();
        struct run run = next_run(commit->writer, ticket, bytes);
        int status = 0;

        if (run.len) {
            status =
                spool_writer_commit(commit->writer, bytes, run.len, run.entries,
                                    run.first_ts, run.last_ts, start);
            histogram_add(&commit->stats->entries, run.entries);
            histogram_add(&commit->stats->commit_us,
                          (uint64_t)(clock_mono_us() - start));
            commit->stats->errors += status < 0;
            bytes += run.len;
        }
        for (; ticket != run.end; ticket = ticket->next)
            ticket->status = ticket->len ? status : 0;
    }
}

/* Under the lock.  A ticket is its owner's as soon as its loop sees it. */
static void
hand_back(struct group *group)
{
    struct commit_ticket *ticket = group->first, *next;

    for (; ticket; ticket = next) {
        struct commit_port *port = ticket->port;

        next = ticket->next;
        ticket->next = NULL;
        *port->done_end = ticket;
        port->done_end = &ticket->next;
        if (port->done == ticket)
            (void)uv_async_send(&port->wake);
    }
}

/*
 * Under the lock: waits until a loop has flushed, or @wait_us have passed (-1:
 * for ever).
 *
 * Return: the group to commit, another one gathering in its place, or NULL.
 */
static struct group *
take_group(struct commit *commit, int64_t wait_us)
{
    struct group *taken = commit->gathering;
    int64_t until_us = clock_mono_us() + wait_us;
    struct timespec until = {
        .tv_sec = until_us / 1000000,
        .tv_nsec = until_us % 1000000 * 1000,
    };

    if (!commit->wanted && !commit->stop) {
        if (wait_us < 0)
            (void)pthread_cond_wait(&commit->work, &commit->lock);
        else
            (void)pthread_cond_timedwait(&commit->work, &commit->lock, &until);
    }
    if (!commit->wanted)
        return NULL;
    commit->wanted = false;
    commit->gathering = &commit->groups[taken == &commit->groups[0]];
    return taken;
}

static void *
commit_thread(void *arg)
{
    struct commit *commit = arg;
    bool stop = false;

    while (!stop) {
        int64_t wait_us =
            spool_writer_age(commit->writer, clock_wall_ms(), clock_mono_us());
        struct group *group;

        (void)pthread_mutex_lock(&commit->lock);
        group = take_group(commit, wait_us);
        stop = commit->stop && !group;
        (void)pthread_mutex_unlock(&commit->lock);
        if (!group)
            continue;

        commit_group(commit, group);

        (void)pthread_mutex_lock(&commit->lock);
        commit->shown = *commit->stats;
        hand_back(group);
        group_empty(group);
        (void)pthread_mutex_unlock(&commit->lock);
    }
    return NULL;
}

int
commit_new(struct commit **out, struct spool_writer *writer,
           struct commit_stats *stats)
{
    struct commit *commit = calloc(1, sizeof(*commit));
    pthread_condattr_t attr;
    int r;

    if (!commit)
        return -ENOMEM;
    commit->writer = writer;
    commit->stats = stats;
    commit->gathering = &commit->groups[0];
    for (int i = 0; i < 2; i++) {
        buf_init(&commit->groups[i].bytes, COMMIT_MAX);
        group_empty(&commit->groups[i]);
    }

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&commit->lock, NULL);
    (void)pthread_cond_init(&commit->work, &attr);
    (void)pthread_condattr_destroy(&attr);

    r = -pthread_create(&commit->thread, NULL, commit_thread, commit);
    if (r < 0) {
        free(commit);
        return r;
    }
    *out = commit;
    return 0;
}

void
commit_free(struct commit *commit)
{
    if (!commit)
        return;
    (void)pthread_mutex_lock(&commit->lock);
    commit->wanted = commit->gathering->first != NULL;
    commit->stop = true;
    (void)pthread_cond_signal(&commit->work);
    (void)pthread_mutex_unlock(&commit->lock);
    (void)pthread_join(commit->thread, NULL);

    for (int i = 0; i < 2; i++)
        buf_deinit(&commit->groups[i].bytes);
    (void)pthread_cond_destroy(&commit->work);
    (void)pthread_mutex_destroy(&commit->lock);
    free(commit);
}

static void
on_wake(uv_async_t *async)
{
    struct commit_port *port = async->data;
    struct commit_ticket *ticket, *next;

    (void)pthread_mutex_lock(&port->commit->lock);
    ticket = port->done;
    port->done = NULL;
    port->done_end = &port->done;
    (void)pthread_mutex_unlock(&port->commit->lock);

    for (; ticket; ticket = next) {
        next = ticket->next;
        port->pending--;
        ticket->done(ticket, ticket->status);
    }
}

/* Once a turn of the loop, behind all that the turn has read: one signal for
 * many appends, and a commit that takes them together. */
static void
on_flush(uv_check_t *check)
{
    struct commit_port *port = check->data;

    if (!port->appended)
        return;
    port->appended = 0;
    (void)pthread_mutex_lock(&port->commit->lock);
    port->commit->wanted = true;
    (void)pthread_cond_signal(&port->commit->work);
    (void)pthread_mutex_unlock(&port->commit->lock);
}

int
commit_port_open(struct commit_port *port, struct commit *commit,
                 uv_loop_t *loop)
{
    int r;

    *port = (struct commit_port){.commit = commit};
    port->done_end = &port->done;
    r = uv_async_init(loop, &port->wake, on_wake);
    if (!r)
        r = uv_check_init(loop, &port->flush);
    if (r)
        return r;
    port->wake.data = port->flush.data = port;
    return uv_check_start(&port->flush, on_flush);
}

void
commit_port_close(struct commit_port *port)
{
    assert(!port->pending);
    uv_close((uv_handle_t *)&port->wake, NULL);
    uv_close((uv_handle_t *)&port->flush, NULL);
}

int
commit_append(struct commit_port *port, struct commit_ticket *ticket,
              const char *lines, size_t len)
{
    struct commit *commit = port->commit;
    struct group *group;
    int r;

    if (len > COMMIT_MAX)
        return -EMSGSIZE;

    ticket->len = len;
    ticket->port = port;
    ticket->next = NULL;

    (void)pthread_mutex_lock(&commit->lock);
    group = commit->gathering;
    r = buf_append(&group->bytes, lines, len);
    if (!r) {
        *group->end = ticket;
        group->end = &ticket->next;
    }
    group->bytes.failed = 0;
    (void)pthread_mutex_unlock(&commit->lock);

    if (r)
        return r == -ENOBUFS ? COMMIT_FULL : r;
    port->pending++;
    port->appended = 1;
    return 0;
}

void
commit_stats_read(struct commit *commit, struct commit_stats *stats)
{
    (void)pthread_mutex_lock(&commit->lock);
    *stats = commit->shown;
    (void)pthread_mutex_unlock(&commit->lock);
}
