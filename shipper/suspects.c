#include "shipper/suspects.h"

#include "common/clock.h"
#include "shipper/batch.h"
#include "shipper/dead_letter.h"
#include "shipper/entry_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CODE_SIZE = 64, MESSAGE_SIZE = 512 };

struct suspect {
    size_t index;
    char code[CODE_SIZE], message[MESSAGE_SIZE];
};

int
suspects_add(struct suspects *suspects, size_t index, const char *code,
             const char *message)
{
    struct suspect *row;

    if (suspects->count == suspects->room) {
        size_t room = suspects->room ? 2 * suspects->room : 8;
        struct suspect *rows =
            realloc(suspects->rows, room * sizeof(*suspects->rows));

        if (!rows)
            return -ENOMEM;
        suspects->rows = rows;
        suspects->room = room;
    }
    row = &suspects->rows[suspects->count++];
    row->index = index;
    (void)snprintf(row->code, sizeof(row->code), "%s", code);
    (void)snprintf(row->message, sizeof(row->message), "%s", message);
    return 0;
}

void
suspects_clear(struct suspects *suspects)
{
    free(suspects->rows);
    *suspects = (struct suspects){0};
}

int
suspects_bury(const struct suspects *suspects, struct dead_letter *dead,
              int dirfd, const struct batch *batch)
{
    struct entry_source source;
    int r = 0;

    entry_source_init(&source, dirfd);
    for (size_t i = 0; !r && i < suspects->count; i++) {
        const struct suspect *suspect = &suspects->rows[i];
        const struct batch_entry *entry = &batch->entries[suspect->index];
        struct slice line;

        r = entry_source_read(&source, entry->position, entry->len, &line);
        if (!r)
            r = dead_letter_add(dead,
                                &(struct dead_letter_why){
                                    .reason = "refused",
                                    .code = suspect->code,
                                    .message = suspect->message,
                                },
                                entry->position, line, clock_wall_ms());
    }
    entry_source_deinit(&source);
    return r ? r : dead_letter_sync(dead);
}
