#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A batch that was refused for its content: which part of it is sent next,
 * until the guilty entries stand alone.  Pure.
 *
 * The first guilty one is searched by halves, in order of time.  Where the left
 * half was taken, the refusal of the right one is implied, and it is split
 * without being sent.  Once one stands alone, all behind it goes as one part.
 * That is a call for each doubling of the batch, and two more, for each.
 *
 *     0 ........ settled ........ lone ............ guilty ........ count
 *       done with        suspects      hides a guilty        not known
 *
 * A suspect was refused alone.  It is guilty only when the stream takes
 * something afterwards: else it may be the stream that is refused.
 */
struct sift {
    size_t count;
    size_t settled;
    size_t lone;
    size_t guilty; /* not behind `lone`: nothing is known to be hidden */
};

struct sift_range {
    size_t from, to;
};

/** sift_begin(): @count entries, the first part of which is all of them. */
void sift_begin(struct sift *sift, size_t count);

/** sift_next(): the part to send.  Return: false where none is left. */
bool sift_next(const struct sift *sift, struct sift_range *range);

/** sift_refused(): that part was. */
void sift_refused(struct sift *sift);

/** sift_passed(): nothing of that part is left to send, but nothing was taken
 * either. */
void sift_passed(struct sift *sift);

/** sift_taken(): that part was, so [settled, lone) are guilty: to be asked
 * before this is called. */
void sift_taken(struct sift *sift);

/** sift_convict(): something else of ours was taken: so they are. */
void sift_convict(struct sift *sift);
