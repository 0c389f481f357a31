#include "shipper/dead_letter_read.h"

#include "common/array.h"
#include "common/fileio.h"
#include "common/json.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
dead_letter_name(unsigned number, char name[DEAD_LETTER_NAME_SIZE])
{
    if (number < 2)
        (void)snprintf(name, DEAD_LETTER_NAME_SIZE, "%s", SPOOL_DEAD_LETTER);
    else
        (void)snprintf(name, DEAD_LETTER_NAME_SIZE, "dead-letter.%u.ndjson",
                       number);
    return name;
}

static unsigned
number_of(const char *name)
{
    char again[DEAD_LETTER_NAME_SIZE];
    unsigned long number = 1;

    if (strcmp(name, SPOOL_DEAD_LETTER) != 0 &&
        sscanf(name, "dead-letter.%9lu.", &number) != 1)
        return 0;
    return strcmp(dead_letter_name((unsigned)number, again), name)
               ? 0
               : (unsigned)number;
}

/* The lowest number above @after of which there is a file; 0: none.  Return: 0
 * or a negative errno. */
static int
find_next(int dirfd, unsigned after, unsigned *found)
{
    const struct dirent *entry;
    DIR *dir;
    int fd = fileio_open(dirfd, ".", O_RDONLY | O_DIRECTORY);

    *found = 0;
    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        unsigned number = number_of(entry->d_name);

        if (number > after && (!*found || number < *found))
            *found = number;
    }
    (void)closedir(dir);
    return 0;
}

int
dead_letter_open_next(int dirfd, unsigned *number)
{
    char name[DEAD_LETTER_NAME_SIZE];
    unsigned next = *number + 1;
    int fd, r;

    /* Mostly it is there, or none is. */
    while ((fd = fileio_open(dirfd, dead_letter_name(next, name), O_RDONLY)) ==
           -ENOENT) {
        r = find_next(dirfd, next, &next);
        if (r < 0 || !next)
            return r < 0 ? r : -ENOENT;
    }
    if (fd >= 0)
        *number = next;
    return fd;
}

/* What one line of the files says of a place. */
struct row {
    struct spool_position at;
    size_t line; /* over all files: the last one counts */
    unsigned file;
    uint32_t len;
    enum { ROW_ENTRY, ROW_RUN, ROW_RESOLVED } kind;
};

struct rows {
    struct row *all;
    size_t count, room, lines;
};

static bool
has_place(const struct dead_letter_places *places,
          struct spool_position position)
{
    for (size_t i = 0; i < places->count; i++)
        if (!spool_position_compare(places->at[i], position))
            return true;
    return false;
}

static int
add_place(struct dead_letter_places *places, struct spool_position position)
{
    struct spool_position *at =
        array_grow(places->at, places->count, &places->room, sizeof(*at));

    if (!at)
        return -ENOMEM;
    places->at = at;
    places->at[places->count++] = position;
    return 0;
}

int
dead_letter_index_keep(struct dead_letter_index *index,
                       struct spool_position position)
{
    return has_place(&index->runs, position)
               ? 0
               : add_place(&index->runs, position);
}

bool
dead_letter_index_has(const struct dead_letter_index *index,
                      struct spool_position position)
{
    return has_place(&index->known, position);
}

bool
dead_letter_index_keeps(const struct dead_letter_index *index, uint64_t segment)
{
    for (size_t i = 0; i < index->runs.count; i++)
        if (index->runs.at[i].segment == segment)
            return true;
    return false;
}

static int
add_row(struct rows *rows, const struct row *row)
{
    struct row *all =
        array_grow(rows->all, rows->count, &rows->room, sizeof(*all));

    if (!all)
        return -ENOMEM;
    rows->all = all;
    rows->all[rows->count++] = *row;
    return 0;
}

static int
read_letter(struct rows *rows, unsigned file, const char *line, size_t len)
{
    cJSON *tree = json_parse(line, len);
    const char *segment = json_get_string(tree, "segment");
    const char *reason = json_get_string(tree, "reason");
    struct row row = {.line = rows->lines++,
                      .file = file,
                      .len = (uint32_t)len};
    int r = 0;

    if (segment)
        row.at.segment = spool_number(segment);
    if (!reason)
        row.kind = ROW_RESOLVED;
    else if (!strcmp(reason, DEAD_LETTER_BAD))
        row.kind = ROW_RUN;
    if (row.at.segment && json_get_uint(tree, "offset", &row.at.offset) &&
        (reason || json_get_string(tree, "resolved"))) {
        r = add_row(rows, &row);
    }
    cJSON_Delete(tree);
    return r;
}

static int
read_file(struct rows *rows, unsigned number, FILE *file, bool *torn)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int r = 0;

    *torn = false;
    while (!r && (len = getline(&line, &room, file)) > 0) {
        *torn = line[len - 1] != '\n';
        if (!*torn && len <= DEAD_LETTER_LINE_MAX)
            r = read_letter(rows, number, line, (size_t)len);
    }
    if (!r && ferror(file))
        r = -EIO;
    free(line);
    return r;
}

static int
read_files(struct rows *rows, struct dead_letter_index *index, int dirfd)
{
    unsigned number = 0;
    FILE *file;
    int fd, r = 0;

    while (!r && (fd = dead_letter_open_next(dirfd, &number)) != -ENOENT) {
        if (fd < 0)
            return fd;
        file = fdopen(fd, "r");
        if (!file) {
            (void)close(fd);
            return -ENOMEM;
        }
        r = read_file(rows, number, file, &index->torn);
        (void)fclose(file);
        index->number = number;
    }
    return r;
}

static int
by_place(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = spool_position_compare(x->at, y->at);

    return order ? order : x->line < y->line ? -1 : 1;
}

/* What stands in the files of each place, and what the last word on it is. */
static int
sum_up(struct rows *rows, struct dead_letter_index *index,
       struct spool_position from)
{
    unsigned first_open = index->number;
    int r = 0;

    if (rows->count)
        qsort(rows->all, rows->count, sizeof(*rows->all), by_place);
    for (size_t i = 0; !r && i < rows->count; i++) {
        const struct row *row = &rows->all[i];

        if (i + 1 < rows->count && !spool_position_compare(row->at, row[1].at))
            continue;
        if (spool_position_compare(row->at, from) >= 0)
            r = add_place(&index->known, row->at);
        if (row->kind == ROW_RESOLVED)
            continue;
        index->bytes += row->len;
        if (row->file < first_open)
            first_open = row->file;
        if (!r && row->kind == ROW_RUN)
            r = dead_letter_index_keep(index, row->at);
    }
    /* The last one is still written to. */
    index->settled = first_open - 1;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->all[i].file <= index->settled &&
            !spool_is_retry(rows->all[i].at.segment) &&
            rows->all[i].at.segment > index->settled_segment)
            index->settled_segment = rows->all[i].at.segment;
    return r;
}

int
dead_letter_index_read(struct dead_letter_index *index, int dirfd,
                       struct spool_position from)
{
    struct rows rows = {0};
    int r;

    *index = (struct dead_letter_index){.number = 1};
    r = read_files(&rows, index, dirfd);
    if (!r)
        r = sum_up(&rows, index, from);
    free(rows.all);
    return r;
}

void
dead_letter_index_deinit(struct dead_letter_index *index)
{
    free(index->known.at);
    free(index->runs.at);
    *index = (struct dead_letter_index){.number = 1};
}
