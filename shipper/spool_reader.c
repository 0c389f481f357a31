#include "shipper/spool_reader.h"

#include "common/fileio.h"
#include "common/line.h"
#include "common/line_reader.h"
#include "common/recover.h"
#include "common/synced.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct spool_reader {
    int dirfd;
    bool retry;            /* reads retry/, whose files are whole */
    struct synced *synced; /* NULL until there is one */
    uint64_t number;       /* of the present segment; 0: none yet */
    uint64_t from;         /* where its reading begins */
    int fd;                /* -1: not open */
    struct line_reader lines;
    uint64_t successor; /* once known; then lines.end is final */
    uint64_t recovered; /* the end while no ingest lives; 0: not looked up */
};

/* Where one segment ends, and what comes after it. */
struct segment_end {
    uint64_t end;       /* of what was acknowledged so far */
    uint64_t successor; /* 0: none, more may still be appended */
};

int
spool_reader_new(struct spool_reader **out, int dirfd, bool retry)
{
    struct spool_reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return -ENOMEM;
    reader->dirfd = dirfd;
    reader->retry = retry;
    reader->fd = -1;
    *out = reader;
    return 0;
}

static int
list_segments(const struct spool_reader *reader, struct spool_list *list)
{
    return reader->retry ? spool_list_retry(list, reader->dirfd)
                         : spool_list_read(list, reader->dirfd);
}

static void
close_segment(struct spool_reader *reader)
{
    if (reader->fd < 0)
        return;
    line_reader_deinit(&reader->lines);
    (void)close(reader->fd);
    reader->fd = -1;
}

void
spool_reader_free(struct spool_reader *reader)
{
    if (!reader)
        return;
    close_segment(reader);
    synced_close(reader->synced);
    free(reader);
}

void
spool_reader_seek(struct spool_reader *reader, struct spool_position position)
{
    close_segment(reader);
    reader->number = position.segment;
    reader->from = position.offset;
    reader->successor = reader->recovered = 0;
}

struct spool_position
spool_reader_position(const struct spool_reader *reader)
{
    return (struct spool_position){
        reader->number,
        reader->fd < 0 ? reader->from : reader->lines.offset,
    };
}

/* The page may appear later than we: then it is ingest's first. */
static int
look_for_synced(struct spool_reader *reader)
{
    int r;

    if (reader->synced || reader->retry)
        return 0;
    r = synced_open(&reader->synced, reader->dirfd);
    if (r == -EPROTO)
        return SPOOL_UNKNOWN;
    return r == -ENOENT ? 0 : r;
}

int
spool_reader_check(struct spool_reader *reader)
{
    uint64_t number = reader->number ? reader->number - 1 : 0;
    struct spool_control control;
    struct spool_list list;
    int r = look_for_synced(reader);

    if (r)
        return r;
    r = list_segments(reader, &list);
    if (r < 0)
        return r;
    do
        r = spool_successor(reader->dirfd, &list, number, &number, &control);
    while (r == 1);
    spool_list_deinit(&list);
    return r;
}

static struct spool_position
published(const struct spool_reader *reader)
{
    struct spool_position position;

    if (!reader->synced || synced_read(reader->synced, &position) != 1)
        return (struct spool_position){0};
    return position;
}

/* Return: 1 where the segment has a file, 0, or a negative errno. */
static int
segment_exists(int dirfd, uint64_t number)
{
    char name[SPOOL_NAME_SIZE];
    struct stat st;

    if (fstatat(dirfd, spool_name(number, name), &st, 0) == 0)
        return 1;
    return errno == ENOENT ? 0 : -errno;
}

/* Nobody says where it ends: behind its last good line. */
static int
end_by_lines(int dirfd, uint64_t number, const struct synced *synced,
             uint64_t *end)
{
    struct recovered recovered;
    int r = recover_end(dirfd, number, synced, &recovered);

    *end = r ? 0 : recovered.end;
    return r == SPOOL_VOID ? 0 : r;
}

/* The present segment is the highest that holds something. */
static int
end_of_active(struct spool_reader *reader, struct segment_end *out)
{
    struct spool_position position;
    int lives = fileio_locked(reader->dirfd, SPOOL_INGEST_LOCK);
    int r = 0;

    out->successor = 0;
    if (lives < 0)
        return lives;
    position = published(reader);
    if (position.segment == reader->number) {
        out->end = position.offset;
        return 0;
    }
    out->end = 0;
    if (lives) {
        reader->recovered = 0;
        return 0;
    }
    /* Nothing was published since the machine started. */
    if (!reader->recovered)
        r = end_by_lines(reader->dirfd, reader->number, reader->synced,
                         &reader->recovered);
    out->end = reader->recovered;
    return r;
}

/* A successor with a first line, @successor, stands above the present one. */
static int
end_by_successor(struct spool_reader *reader, uint64_t successor,
                 const struct spool_control *control, struct segment_end *out)
{
    int r;

    out->successor = successor;
    if (control->prev == reader->number) {
        out->end = control->prev_end;
        return 0;
    }
    out->end = 0;
    if (control->prev < reader->number)
        return 0; /* nobody named it: its creation failed */

    /* The one that told our end is gone, or its first line is: what it holds
     * comes next. */
    r = segment_exists(reader->dirfd, control->prev);
    if (r < 0)
        return r;
    if (r)
        out->successor = control->prev;
    return end_by_lines(reader->dirfd, reader->number, NULL, &out->end);
}

/* A file of retry/ ends where it ends. */
static int
end_of_file(const struct spool_reader *reader, const struct spool_list *list,
            struct segment_end *out)
{
    int64_t size = fileio_size(reader->fd);

    if (size < 0)
        return (int)size;
    *out = (struct segment_end){.end = (uint64_t)size};
    for (size_t i = 0; i < list->count && !out->successor; i++)
        if (list->numbers[i] > reader->number)
            out->successor = list->numbers[i];
    return 0;
}

static int
find_end(struct spool_reader *reader, struct segment_end *out)
{
    struct spool_control control;
    struct spool_position position;
    struct spool_list list;
    uint64_t successor;
    int r;

    r = list_segments(reader, &list);
    if (r < 0)
        return r;
    if (reader->retry)
        r = end_of_file(reader, &list, out);
    else
        r = spool_successor(reader->dirfd, &list, reader->number, &successor,
                            &control);
    spool_list_deinit(&list);
    if (reader->retry)
        return r;
    if (r == 1)
        return end_by_successor(reader, successor, &control, out);
    if (r)
        return r;

    /* Entries were acknowledged in a segment whose first line is bad now. */
    position = published(reader);
    if (position.segment > reader->number &&
        segment_exists(reader->dirfd, position.segment) == 1) {
        out->successor = position.segment;
        return end_by_lines(reader->dirfd, reader->number, NULL, &out->end);
    }
    return end_of_active(reader, out);
}

/* The first segment at or above the wanted one.  Return: 1, 0: none, errno. */
static int
choose_segment(struct spool_reader *reader)
{
    struct spool_list list;
    uint64_t found = 0;
    int r = list_segments(reader, &list);

    if (r < 0)
        return r;
    for (size_t i = 0; i < list.count && !found; i++)
        if (list.numbers[i] >= reader->number)
            found = list.numbers[i];
    spool_list_deinit(&list);
    if (!found)
        return 0;
    if (found != reader->number)
        reader->from = 0;
    reader->number = found;
    return 1;
}

static int
open_segment(struct spool_reader *reader)
{
    struct spool_control control;
    int fd, r;

    r = choose_segment(reader);
    if (r <= 0)
        return r;
    fd = spool_open_segment(reader->dirfd, reader->number);
    if (fd < 0)
        return fd;
    r = spool_control_read(fd, &control);
    if (r == SPOOL_UNKNOWN || r < 0) {
        (void)close(fd);
        return r;
    }
    reader->fd = fd;
    reader->successor = reader->recovered = 0;
    /* Its end is not known yet: nothing is read before find_end(). */
    line_reader_init(&reader->lines, fd, reader->from, reader->from);
    return 1;
}

/* Look where the present segment ends by now.  Return: 0, or an error. */
static int
update_end(struct spool_reader *reader)
{
    struct segment_end end = {0};
    int r = look_for_synced(reader);

    if (!r)
        r = find_end(reader, &end);
    if (r)
        return r;
    reader->successor = end.successor;
    if (end.end > reader->lines.end)
        reader->lines.end = end.end;
    return 0;
}

/* Return: 1 with *@item, 0 at the end of what is known, or an errno. */
static int
next_in_segment(struct spool_reader *reader, struct spool_item *item)
{
    struct line_item line;
    int r;

    while ((r = line_reader_next(&reader->lines, &line)) > 0) {
        if (line.bytes && line_is_control(line.bytes, line.len))
            continue;
        *item = (struct spool_item){
            .bytes = line.bytes,
            .len = line.bytes ? line.len - 1 : line.len,
            .ts = line.bytes ? line_ts(line.bytes) : 0,
            .position = {reader->number, line.offset},
            .next = {reader->number, line.offset + line.len},
        };
        return 1;
    }
    return r;
}

static bool
moved_on(const struct spool_reader *reader)
{
    struct spool_position position = published(reader);

    return position.segment > reader->number ||
           (position.segment == reader->number &&
            position.offset > reader->lines.end);
}

static void
go_to_successor(struct spool_reader *reader)
{
    spool_reader_seek(reader, (struct spool_position){reader->successor, 0});
}

int
spool_reader_next(struct spool_reader *reader, bool thorough,
                  struct spool_item *item)
{
    int r;

    for (;;) {
        if (reader->fd < 0) {
            r = open_segment(reader);
            if (r <= 0)
                return r;
            thorough = true;
        }
        r = next_in_segment(reader, item);
        if (r)
            return r;
        if (reader->successor) {
            go_to_successor(reader);
            continue;
        }
        if (!thorough && !moved_on(reader))
            return 0;
        r = update_end(reader);
        if (r)
            return r;
        thorough = false;
        if (!reader->successor && reader->lines.offset >= reader->lines.end)
            return 0;
    }
}

struct spool_position
spool_reader_end(const struct spool_reader *reader)
{
    struct spool_position end = published(reader);

    if (!end.segment && reader->fd >= 0)
        end = (struct spool_position){reader->number, reader->lines.end};
    return end.segment ? end : spool_reader_position(reader);
}

uint64_t
spool_reader_bytes(const struct spool_reader *reader,
                   struct spool_position position)
{
    struct spool_position end = published(reader);
    struct spool_list list;
    uint64_t bytes = 0;

    if (list_segments(reader, &list) < 0)
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        char name[SPOOL_NAME_SIZE];
        struct stat st;
        uint64_t upto;

        if (list.numbers[i] < position.segment ||
            fstatat(reader->dirfd, spool_name(list.numbers[i], name), &st, 0))
            continue;
        upto =
            end.segment == list.numbers[i] ? end.offset : (uint64_t)st.st_size;
        if (list.numbers[i] == position.segment)
            upto -= position.offset < upto ? position.offset : upto;
        bytes += upto;
    }
    spool_list_deinit(&list);
    return bytes;
}

uint64_t
spool_reader_lowest(const struct spool_reader *reader)
{
    struct spool_list list;
    uint64_t lowest = 0;

    if (list_segments(reader, &list) < 0)
        return 0;
    if (list.count)
        lowest = list.numbers[0];
    spool_list_deinit(&list);
    return lowest;
}
