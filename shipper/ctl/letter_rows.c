#include "shipper/ctl/letter_rows.h"

#include "common/fileio.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/dead_letter_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that is being read. */
struct source {
    FILE *file;
    unsigned number;
    char *line; /* DEAD_LETTER_LINE_MAX bytes */
};

static int
rows_add(struct letter_rows *rows, struct letter_row row)
{
    if (rows->count == rows->room) {
        size_t more = rows->room ? rows->room * 2 : 64;
        struct letter_row *grown =
            reallocarray(rows->rows, more, sizeof(*grown));

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
get_kind(struct slice line, enum letter_kind *kind)
{
    struct slice value;

    if (jsonscan_member(line, SLICE("reason"), &value)) {
        *kind = jsonscan_equals(value, SLICE(DEAD_LETTER_BAD)) ? LETTER_RUN
                                                               : LETTER_ENTRY;
        return true;
    }
    if (!jsonscan_member(line, SLICE("resolved"), &value))
        return false;
    *kind = jsonscan_equals(value, SLICE("retried")) ? LETTER_RETRIED
                                                     : LETTER_DROPPED;
    return true;
}

static int
read_line(struct letter_rows *rows, struct letter_row row, struct slice line)
{
    if (!jsonscan_valid(line) || !get_kind(line, &row.kind) ||
        !get_segment(line, &row.position.segment) ||
        !get_offset(line, &row.position.offset)) {
        rows->unreadable++;
        return 0;
    }
    return rows_add(rows, row);
}

static int
read_file(struct letter_rows *rows, const struct source *source)
{
    struct letter_row row = {.file = source->number};
    bool within = false; /* of a line that is too long for the buffer */
    int r = 0;

    while (!r && fgets(source->line, DEAD_LETTER_LINE_MAX, source->file)) {
        size_t len = strlen(source->line);
        bool whole = len && source->line[len - 1] == '\n';
        off_t end = ftello(source->file);

        if (whole && !within)
            r = read_line(rows, row, (struct slice){source->line, len});
        else if (!within)
            rows->unreadable++;
        within = !whole;
        rows->bytes += (uint64_t)end - row.offset;
        row.offset = (uint64_t)end;
    }
    return !r && ferror(source->file) ? -EIO : r;
}

/* Return: 0, or -ENOENT or another errno. */
static int
open_file(FILE **file, int dirfd, unsigned number)
{
    char name[DEAD_LETTER_NAME_SIZE];
    int fd = fileio_open(dirfd, dead_letter_name(number, name), O_RDONLY);

    if (fd < 0)
        return fd;
    *file = fdopen(fd, "r");
    if (*file)
        return 0;
    (void)close(fd);
    return -ENOMEM;
}

static int
read_files(struct letter_rows *rows, int dirfd, char *line)
{
    int r = 0;

    for (unsigned number = 1; !r; number++) {
        struct source source = {.number = number, .line = line};

        r = open_file(&source.file, dirfd, number);
        if (r == -ENOENT && number > 1)
            return 0;
        if (r == -ENOENT) {
            r = 0; /* moved away, while later ones may be there */
        } else if (!r) {
            r = read_file(rows, &source);
            (void)fclose(source.file);
        }
    }
    return r;
}

static int
compare(const void *a, const void *b)
{
    const struct letter_row *x = a, *y = b;
    int way = spool_position_compare(x->position, y->position);

    if (way)
        return way;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

int
letter_rows_read(struct letter_rows *rows, int dirfd)
{
    char *line = malloc(DEAD_LETTER_LINE_MAX);
    int r = line ? 0 : -ENOMEM;

    *rows = (struct letter_rows){0};
    if (!r)
        r = read_files(rows, dirfd, line);
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
    free(line);
    return r;
}

void
letter_rows_deinit(struct letter_rows *rows)
{
    free(rows->rows);
    *rows = (struct letter_rows){0};
}

const struct letter_row *
letter_rows_at(const struct letter_rows *rows, struct spool_position position,
               size_t *count)
{
    size_t low = 0, high = rows->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (spool_position_compare(rows->rows[middle].position, position) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < rows->count &&
           !spool_position_compare(rows->rows[low + *count].position, position))
        ++*count;
    return *count ? &rows->rows[low] : NULL;
}

unsigned
letter_rows_kinds(const struct letter_row *rows, size_t count)
{
    unsigned kinds = 0;

    for (size_t i = 0; i < count; i++)
        kinds |= 1u << rows[i].kind;
    return kinds;
}

/* A member that is a plain text: ours have no escapes. */
static void
get_text(struct slice line, struct slice name, char *out, size_t size)
{
    struct slice value;

    *out = '\0';
    if (jsonscan_member(line, name, &value) && value.len >= 2 &&
        value.data[0] == '"' && value.len - 2 < size)
        (void)snprintf(out, size, "%.*s", (int)value.len - 2, value.data + 1);
}

int
letter_why_read(struct letter_why *why, int dirfd, const struct letter_row *row)
{
    char *line = malloc(DEAD_LETTER_LINE_MAX);
    FILE *file = NULL;
    int r = line ? open_file(&file, dirfd, row->file) : -ENOMEM;

    *why = (struct letter_why){0};
    if (!r && (fseeko(file, (off_t)row->offset, SEEK_SET) < 0 ||
               !fgets(line, DEAD_LETTER_LINE_MAX, file)))
        r = -EIO;
    if (!r) {
        struct slice text = {line, strlen(line)};

        if (jsonscan_valid(text)) {
            get_text(text, SLICE("reason"), why->reason, sizeof(why->reason));
            get_text(text, SLICE("code"), why->code, sizeof(why->code));
        }
    }
    if (file)
        (void)fclose(file);
    free(line);
    return r;
}
