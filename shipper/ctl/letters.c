#include "shipper/ctl/letters.h"

#include "shipper/ctl/letter_rows.h"

#include <stdbool.h>

/* All rows of one place make one letter. */
static void
count_letter(struct letters *letters, unsigned kinds, bool passed)
{
    bool run = kinds & 1u << LETTER_RUN, entry = kinds & 1u << LETTER_ENTRY;

    if (!run && !entry)
        return; /* resolves a letter that is gone */
    if (entry && passed && !(kinds & 1u << LETTER_RETRIED))
        letters->passed++;
    if (kinds & 1u << LETTER_RETRIED)
        letters->retried++;
    else if (kinds & 1u << LETTER_DROPPED)
        letters->dropped++;
    else if (run)
        letters->runs++;
    else
        letters->entries++;
}

int
letters_read(struct letters *letters, int dirfd, struct spool_position position)
{
    struct letter_rows rows;
    int r = letter_rows_read(&rows, dirfd);

    *letters = (struct letters){
        .unreadable = rows.unreadable,
        .bytes = rows.bytes,
    };
    for (size_t i = 0, count; !r && i < rows.count; i += count) {
        struct spool_position at = rows.rows[i].position;
        const struct letter_row *first = letter_rows_at(&rows, at, &count);

        count_letter(letters, letter_rows_kinds(first, count),
                     spool_position_compare(at, position) < 0);
    }
    letter_rows_deinit(&rows);
    return r;
}
