#include "shipper/ctl/letters.h"

#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"

#include <unistd.h>

static void
count(struct letters *letters, const struct letter *letter,
      const struct checkpoint *checkpoint)
{
    bool entry = letter->kind == LETTER_LINE_ENTRY;
    struct spool_position passed = spool_is_retry(letter->position.segment)
                                       ? checkpoint->retry
                                       : checkpoint->position;

    if (entry && spool_position_compare(letter->position, passed) < 0) {
        letters->passed += letter->state == LETTER_DEAD;
        letters->given_up += letter->state == LETTER_DROPPED;
    }
    if (letter->state == LETTER_RETRIED)
        letters->retried++;
    else if (letter->state == LETTER_DROPPED)
        letters->dropped++;
    else if (entry)
        letters->entries++;
    else if (!letters->runs++) /* they come by their places */
        letters->first_run = letter->position;
}

int
letters_read(struct letters *letters, int dirfd,
             const struct checkpoint *checkpoint)
{
    struct letter_index index;
    int r;

    r = letter_index_read(&index, dirfd, NULL, NULL);
    *letters = (struct letters){
        .unreadable = index.unreadable,
        .bytes = index.bytes,
        .settled =
            index.bytes && faccessat(dirfd, SPOOL_DEAD_LETTER, F_OK, 0) < 0,
    };
    for (size_t i = 0; !r && i < index.count; i++)
        count(letters, &index.letters[i], checkpoint);
    letter_index_deinit(&index);
    return r;
}
