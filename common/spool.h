#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * The spool: a folder through which ingest hands entries to shipper.
 *
 *     00000000000000000041.ndjson   sealed, never written again
 *     00000000000000000042.ndjson   active: ingest appends to it
 *     synced                        how far the active one is durable
 *     checkpoint.json               shipper's position
 *     dead-letter.ndjson            what cannot be delivered, and why
 *     retry/NNNNNNNNNNNNNNNNNNNN.ndjson  entries that are sent once more
 *     ingest.lock, shipper.lock     held while their owners live
 *
 * 1. An acknowledged entry is a whole line with a right checksum, in some
 *    segment, until the checkpoint has passed it.
 * 2. Only the process that created a segment writes to it: a restart, or a
 *    failed write or sync, seals it, and the next begins.
 * 3. What follows the last good sync was never acknowledged.  Each segment's
 *    first line names the one before it and where that one's good bytes end;
 *    nobody reads past there.  A file that no successor names and that is not
 *    the highest holds nothing.
 * 4. `ts` never falls within a segment.
 *
 * A file of retry/ is whole when it gets its name, and never changes.  Its
 * number is counted from SPOOL_RETRY_BASE on, so that a position names an
 * entry whichever of the two it stands in.
 */
enum {
    SPOOL_VERSION = 1,
    SPOOL_NAME_LEN = 27, /* 20 digits and ".ndjson" */
    SPOOL_NAME_SIZE = sizeof("retry/") + SPOOL_NAME_LEN,
    SPOOL_CONTROL_MAX = 256, /* bytes of the first line, with its newline */
};

#define SPOOL_RETRY "retry"
/* Any number that follows is exact in a double, as JSON has it. */
#define SPOOL_RETRY_BASE UINT64_C(9000000000000000)

#define SPOOL_INGEST_LOCK "ingest.lock"
#define SPOOL_SHIPPER_LOCK "shipper.lock"
#define SPOOL_CHECKPOINT "checkpoint.json"
#define SPOOL_DEAD_LETTER "dead-letter.ndjson"
#define SPOOL_STATUS "shipper.status.json"
#define SPOOL_METRICS "shipper.metrics"
#define SPOOL_SYNCED "synced"
#define SPOOL_DRAINING "draining" /* while it is there, ingest takes nothing   \
                                   */

/** A place in the spool: byte @offset of segment @segment; 0 is no segment. */
struct spool_position {
    uint64_t segment;
    uint64_t offset;
};

int spool_position_compare(struct spool_position a, struct spool_position b);

/** spool_is_retry(): whether segment @number is a file of retry/. */
static inline bool
spool_is_retry(uint64_t number)
{
    return number >= SPOOL_RETRY_BASE;
}

/** spool_name(): a segment's file name, seen from the spool's folder. */
const char *spool_name(uint64_t number, char name[SPOOL_NAME_SIZE]);

/** spool_number(): a file name's number, or 0 where it is no segment. */
uint64_t spool_number(const char *name);

struct spool_list {
    uint64_t *numbers; /* rising */
    size_t count;
};

/** spool_list_read(): the segments there are; spool_list_deinit() after. */
int spool_list_read(struct spool_list *list, int dirfd);

/** spool_list_retry(): the same of retry/, which need not be there. */
int spool_list_retry(struct spool_list *list, int dirfd);
void spool_list_deinit(struct spool_list *list);

/** What a file of retry/ holds. */
enum spool_kind {
    SPOOL_ENTRIES, /* a segment: what ingest took */
    SPOOL_LETTERS, /* entries that were among the dead letters */
    SPOOL_REPLAY,  /* entries that are sent again, outside all counts */
};

/** What a segment's first line says. */
struct spool_control {
    int64_t ts;
    uint64_t prev;     /* the segment before; 0: there was none */
    uint64_t prev_end; /* where its good bytes end */
    uint64_t entries;  /* accepted, ever, before this segment */
    enum spool_kind kind;
    uint64_t rate; /* entries a second; 0: as many as there can be */
    size_t len;    /* of the line: the first entry begins here */
};

/** spool_control_write(): the line, sealed; sets control->len. */
int spool_control_write(struct buf *out, struct spool_control *control);

enum {
    SPOOL_VOID = 1,    /* no good first line: the segment holds nothing */
    SPOOL_UNKNOWN = 2, /* a version this program does not know: leave it */
};

/** spool_control_read(): Return: 0, SPOOL_VOID, SPOOL_UNKNOWN or an errno. */
int spool_control_read(int fd, struct spool_control *control);

/** spool_open_segment(): for reading. */
int spool_open_segment(int dirfd, uint64_t number);

/**
 * spool_successor(): the first segment in @list above @number whose control
 * line can be read, and that line; it says where the one before it ends.
 * Segments between are void.
 *
 * Return: 1 found, 0 none, SPOOL_UNKNOWN or a negative errno.
 */
int spool_successor(int dirfd, const struct spool_list *list, uint64_t number,
                    uint64_t *successor, struct spool_control *control);
