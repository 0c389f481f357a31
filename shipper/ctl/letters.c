#include "shipper/ctl/letters.h"

#include "common/fileio.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/dead_letter_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_ENTRY, KIND_RUN, KIND_DROPPED, KIND_RETRIED };

/* What one line says of one place. */
struct row {
    struct spool_position position;
    enum kind kind;
};

struct rows {
    struct row *rows;
    size_t count, room;
};

static int
rows_add(struct rows *rows, struct row row)
{
    if (rows->count == rows->room) {
        size_t more = rows->room ? rows->room * 2 : 64;
        struct row *grown = reallocarray(rows->rows, more, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        rows->rows = grown;
        rows->room = more;
    }
    rows->rows[rows->count++] = row;
    return 0;
}

static bool
get_segment(struct slice line, uint64_t *segment)
{
    char name[SPOOL_NAME_SIZE] = "";
    struct slice value;

    if (!jsonscan_member(line, SLICE("segment"), &value) ||
        value.len != SPOOL_NAME_LEN + 2)
        return false;
    memcpy(name, value.data + 1, SPOOL_NAME_LEN);
    *segment = spool_number(name);
    return *segment != 0;
}

static bool
get_offset(struct slice line, uint64_t *offset)
{
    struct slice value;

    if (!jsonscan_member(line, SLICE("offset"), &value) || value.len > 18)
        return false;
    *offset = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        *offset = *offset * 10 + (uint64_t)(value.data[i] - '0');
    }
    return true;
}

static bool
get_kind(struct slice line, enum kind *kind)
{
    struct slice value;

    if (jsonscan_member(line, SLICE("reason"), &value)) {
        *kind = jsonscan_equals(value, SLICE(DEAD_LETTER_BAD)) ? KIND_RUN
                                                               : KIND_ENTRY;
        return true;
    }
    if (!jsonscan_member(line, SLICE("resolved"), &value))
        return false;
    *kind = jsonscan_equals(value, SLICE("retried")) ? KIND_RETRIED
                                                     : KIND_DROPPED;
    return true;
}

static int
read_line(struct letters *letters, struct rows *rows, struct slice line)
{
    struct row row;

    if (!jsonscan_valid(line) || !get_kind(line, &row.kind) ||
        !get_segment(line, &row.position.segment) ||
        !get_offset(line, &row.position.offset)) {
        letters->unreadable++;
        return 0;
    }
    return rows_add(rows, row);
}

static int
read_file(struct letters *letters, struct rows *rows, FILE *file, char *line)
{
    bool within = false; /* of a line that is too long for the buffer */
    int r = 0;

    while (!r && fgets(line, DEAD_LETTER_LINE_MAX, file)) {
        size_t len = strlen(line);
        bool whole = len && line[len - 1] == '\n';

        letters->bytes += len;
        if (whole && !within)
            r = read_line(letters, rows, (struct slice){line, len});
        else if (!within)
            letters->unreadable++;
        within = !whole;
    }
    return !r && ferror(file) ? -EIO : r;
}

static int
read_files(struct letters *letters, struct rows *rows, int dirfd, char *line)
{
    char name[DEAD_LETTER_NAME_SIZE];
    FILE *file;
    int fd, r = 0;

    for (unsigned number = 1; !r; number++) {
        fd = fileio_open(dirfd, dead_letter_name(number, name), O_RDONLY);
        if (fd == -ENOENT && number > 1)
            return 0;
        if (fd == -ENOENT)
            continue; /* moved away, while later ones may be there */
        if (fd < 0)
            return fd;
        file = fdopen(fd, "r");
        if (!file) {
            (void)close(fd);
            return -ENOMEM;
        }
        r = read_file(letters, rows, file, line);
        (void)fclose(file);
    }
    return r;
}

static int
compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return spool_position_compare(x->position, y->position);
}

/* All rows of one place make one letter. */
static void
count_letter(struct letters *letters, unsigned kinds, bool passed)
{
    bool run = kinds & 1u << KIND_RUN, entry = kinds & 1u << KIND_ENTRY;

    if (!run && !entry)
        return; /* resolves a letter that is gone */
    if (entry && passed && !(kinds & 1u << KIND_RETRIED))
        letters->passed++;
    if (kinds & 1u << KIND_RETRIED)
        letters->retried++;
    else if (kinds & 1u << KIND_DROPPED)
        letters->dropped++;
    else if (run)
        letters->runs++;
    else
        letters->entries++;
}

static void
count_rows(struct letters *letters, struct rows *rows,
           struct spool_position position)
{
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
    for (size_t i = 0, next; i < rows->count; i = next) {
        struct spool_position at = rows->rows[i].position;
        unsigned kinds = 0;

        for (next = i; next < rows->count &&
                       !spool_position_compare(rows->rows[next].position, at);
             next++)
            kinds |= 1u << rows->rows[next].kind;
        count_letter(letters, kinds,
                     spool_position_compare(at, position) < 0);
    }
}

int
letters_read(struct letters *letters, int dirfd,
             struct spool_position position)
{
    char *line = malloc(DEAD_LETTER_LINE_MAX);
    struct rows rows = {0};
    int r = line ? 0 : -ENOMEM;

    *letters = (struct letters){0};
    if (!r)
        r = read_files(letters, &rows, dirfd, line);
    if (!r)
        count_rows(letters, &rows, position);
    free(rows.rows);
    free(line);
    return r;
}
