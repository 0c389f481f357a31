#pragma once

#include "common/spool.h"

#include <stdbool.h>
#include <stdint.h>

struct dead_letter;
struct tally;

/*
 * The files of retry/: entries that an operator wants to be sent once more.
 * clickspoolctl writes them under a name of its own and has shipper take them
 * over the broker, so that one process decides.
 *
 *     NAME.tmp        the lines, a first line with their kind before them
 *     NAME.letters    of dead letters: what dead-letter.ndjson is to say
 *
 *     <n>.new         taken, but the letters are not resolved yet
 *     <n>.letters     they are to be: kept until the checkpoint tells of it
 *     <n>.ndjson      read by shipper, and removed once it is done with
 *
 * Each step can be repeated, so a crash between two of them is mended by the
 * next start, and a failing disk by the next try.
 */
struct retry_files {
    int dirfd;           /* the rest is private; the spool's folder */
    struct tally *tally; /* borrowed, as is ... */
    struct dead_letter *dead;
    bool unfinished;
    uint64_t damaged; /* the file that was last told to be */
    uint64_t segment; /* whose first line this is: */
    struct spool_control control;
    int64_t began_us;
    struct spool_position last; /* that may_read() let pass */
    uint64_t passed;
};

/** retry_files_open(): and finish what a crash has cut short. */
int retry_files_open(struct retry_files *files, int dirfd, struct tally *tally,
                     struct dead_letter *dead);

enum { RETRY_FILES_NAME_MAX = 40 };

/**
 * retry_files_take(): the files that clickspoolctl wrote as @name, of a to z,
 * 0 to 9 and dashes.
 *
 * Return: 0 with the *@number they have now; -ENOENT: there are none; -EINVAL:
 * that is no name; -EBUSY: the ones before are not finished; or another errno,
 * and it is tried again.
 */
int retry_files_take(struct retry_files *files, const char *name,
                     uint64_t *number);

/** retry_files_sweep(): remove what is done with: all before @durable. */
void retry_files_sweep(struct retry_files *files,
                       struct spool_position durable);

/** retry_files_bury(): whether an entry of @segment that is refused becomes a
 * dead letter and is in the counts: not where it is sent a second time. */
bool retry_files_bury(struct retry_files *files, uint64_t segment);

/** retry_files_may_read(): whether the entry at @position may go, by the rate
 * that was asked for. */
bool retry_files_may_read(struct retry_files *files,
                          struct spool_position position);
