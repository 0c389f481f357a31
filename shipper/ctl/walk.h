#pragma once

#include "common/line_reader.h"
#include "common/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The spool as it stood at one moment: its segments in order, each with the
 * end that its readers honour.  Ends come from the chain of first lines, read
 * from the highest segment downwards; the highest ends where `synced` says,
 * or, where that says nothing, after its last good line.
 *
 * Lines are streamed from there, so memory is bounded by a few words a
 * segment, whatever the segments hold.  Segments may be removed at any time:
 * then opening one says -ENOENT.
 */
enum walk_state {
    WALK_VOID,   /* holds nothing: no good first line, or passed over */
    WALK_SEALED, /* its successor says where it ends */
    WALK_LOOSE,  /* its successor is lost: it ends after its last good line */
    WALK_ACTIVE, /* the highest */
};

struct walk_segment {
    uint64_t number;
    uint64_t size; /* of the file */
    uint64_t end;  /* of what was acknowledged; 0 where it is void */
    struct spool_control control; /* all zero where @headless */
    enum walk_state state;
    bool headless; /* its first line is bad, or there is none */
    bool orphan;   /* names a segment that is gone, though lower ones are not */
};

struct walk {
    int dirfd;                     /* borrowed */
    struct walk_segment *segments; /* rising */
    size_t count;
    int ingest_lives; /* 1, 0, or a negative errno where nobody may ask */
    struct spool_position published; /* by ingest, in this boot; or all zero */
};

/** walk_open(): Return: 0, SPOOL_UNKNOWN or a negative errno. */
int walk_open(struct walk *walk, int dirfd);
void walk_close(struct walk *walk);

/** walk_find(): the segment @number, or NULL. */
const struct walk_segment *walk_find(const struct walk *walk, uint64_t number);

/** walk_first(): where a segment's first entry begins. */
uint64_t walk_first(const struct walk_segment *segment);

/** walk_next(): the next segment that holds something after @segment (or the
 * first, with NULL); NULL at the end. */
const struct walk_segment *walk_next(const struct walk *walk,
                                     const struct walk_segment *segment);

/**
 * walk_told(): how many entries a sealed segment took, as first lines tell it.
 *
 * Return: whether they do.
 */
bool walk_told(const struct walk *walk, const struct walk_segment *segment,
               uint64_t *entries);

/**
 * walk_lost(): the segment that @segment's first line names as the one before
 * it (with NULL: that ingest's page names as the active one), where it is
 * gone; 0: it is there.
 */
uint64_t walk_lost(const struct walk *walk, const struct walk_segment *segment);

/** walk_bytes(): what lies between @from and the end of the spool. */
uint64_t walk_bytes(const struct walk *walk, struct spool_position from);

/** The lines of one segment. */
struct walk_lines {
    int fd;
    struct line_reader reader;
};

/** walk_lines_open(): from @from (or its first entry) up to @end. */
int walk_lines_open(struct walk_lines *lines, int dirfd,
                    const struct walk_segment *segment, uint64_t from,
                    uint64_t end);
void walk_lines_close(struct walk_lines *lines);

struct walk_count {
    uint64_t entries;
    uint64_t bad_runs;
    uint64_t bad_bytes;
    int64_t first_ts; /* of the first and last entry; 0: there is none */
    int64_t last_ts;
};

/** walk_count(): read what a segment holds from @from up to @end. */
int walk_count(int dirfd, const struct walk_segment *segment, uint64_t from,
               uint64_t end, struct walk_count *count);
