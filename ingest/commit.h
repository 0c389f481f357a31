#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/histogram.h"

struct spool_writer;

/*
 * Group commit: many small appends share one write and one sync.  While one
 * commit is on its way to the disk, appends gather; the next takes them all.
 * A ticket done with status 0 is durable: the client may be told so.
 *
 *     loops ──append──▶ gathering ──▶ writing (the one thread) ──▶ disk
 *       ▲                                            │
 *       └───────────── port, by uv_async ◀───done────┘
 *
 * Each loop has a port of its own; tickets come back through the port that
 * took them, in the order of their appends.
 */
struct commit;

enum {
    COMMIT_FULL = 1, /* more is gathered than one commit may hold */
    COMMIT_MAX = 4 * 1024 * 1024, /* bytes of a commit */
};

/* In the caller's memory, which stays put until done() has run. */
struct commit_ticket {
    void (*done)(struct commit_ticket *ticket, int status);
    int64_t ts;       /* receive time of its lines */
    unsigned entries; /* how many they are; may be 0 */

    size_t len; /* the rest is private to commit.c */
    int status;
    struct commit_port *port;
    struct commit_ticket *next;
};

/* A loop's end of the pipe; in the loop's memory. */
struct commit_port {
    struct commit *commit;
    uv_async_t wake;
    uv_check_t flush;
    struct commit_ticket *done, **done_end; /* under the commit's lock */
    size_t pending; /* tickets that have not come back, the loop's own count */
    int appended;   /* since the last flush */
};

struct commit_stats {
    struct histogram commit_us; /* from the start of the write to the end */
    struct histogram sync_us;   /* of fdatasync() alone */
    struct histogram entries;   /* of a commit */
    uint64_t errors;            /* commits that failed */
};

/** commit_new(): @writer is the commit's until commit_free() has returned. */
int commit_new(struct commit **commit, struct spool_writer *writer,
               struct commit_stats *stats);

/** commit_stats_read(): as of the last commit. */
void commit_stats_read(struct commit *commit, struct commit_stats *stats);

/** commit_free(): what was appended is committed first; ports are closed. */
void commit_free(struct commit *commit);

int commit_port_open(struct commit_port *port, struct commit *commit,
                     uv_loop_t *loop);

/** commit_port_close(): with nothing pending; the loop runs on for a turn. */
void commit_port_close(struct commit_port *port);

/**
 * commit_append(): copy @len bytes of whole lines, in LINE_PREFIX's shape, and
 * complete @ticket once they are durable; the lines get their checksums and,
 * from ticket->ts, their times on the way.  done() runs once, from the loop,
 * never from inside this call, with 0, or a negative errno when none of the
 * lines is in the spool; spool_writer_commit() says what a power cut may
 * change in that.
 *
 * With no lines the ticket is a barrier: it is done after all that was
 * appended before it.
 *
 * Return: 0; COMMIT_FULL; -EMSGSIZE for more than COMMIT_MAX; -ENOMEM.
 * Unless 0, @ticket is not taken.
 */
int commit_append(struct commit_port *port, struct commit_ticket *ticket,
                  const char *lines, size_t len);
