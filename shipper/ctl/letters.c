#include "shipper/ctl/letters.h"

#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"

static void
count(struct letters *letters, const struct letter *letter,
      struct spool_position position)
{
    bool entry = letter->kind == LETTER_LINE_ENTRY;

    if (entry && letter->state != LETTER_RETRIED &&
        spool_position_compare(letter->position, position) < 0)
        letters->passed++;
    if (letter->state == LETTER_RETRIED)
        letters->retried++;
    else if (letter->state == LETTER_DROPPED)
        letters->dropped++;
    else if (entry)
        letters->entries++;
    else
        letters->runs++;
}

int
letters_read(struct letters *letters, int dirfd, struct spool_position position)
{
    struct letter_index index;
    int r;

    r = letter_index_read(&index, dirfd, NULL, NULL);
    *letters = (struct letters){
        .unreadable = index.unreadable,
        .bytes = index.bytes,
    };
    for (size_t i = 0; !r && i < index.count; i++)
        count(letters, &index.letters[i], position);
    letter_index_deinit(&index);
    return r;
}
