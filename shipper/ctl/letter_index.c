#include "shipper/ctl/letter_index.h"

#include "common/array.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/letter_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int
compare_places(const struct letter *a, const struct letter *b)
{
    return spool_position_compare(a->position, b->position);
}

/* By place, and then in the order in which they were written. */
static int
compare(const void *a, const void *b)
{
    const struct letter *x = a, *y = b;
    int order = compare_places(x, y);

    if (order)
        return order;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int
add(struct letter_index *index, size_t *room, const struct letter_line *line)
{
    struct letter *letters =
        array_grow(index->letters, index->count, room, sizeof(*letters));

    if (!letters)
        return -ENOMEM;
    index->letters = letters;
    letters[index->count++] = (struct letter){
        .position = line->position,
        .number = line->number,
        .file = line->file & 0xffffff,
        .kind = line->kind,
    };
    return 0;
}

static int
read_lines(struct letter_index *index, struct letter_reader *reader,
           void (*wrong)(void *owner, const struct letter_line *line),
           void *owner)
{
    struct letter_line line;
    size_t room = 0;
    int r, added = 0;

    while (!added && (r = letter_reader_next(reader, &line)) > 0) {
        bool readable =
            line.kind != LETTER_LINE_BAD && line.kind != LETTER_LINE_TORN;

        if (line.wrong && wrong)
            wrong(owner, &line);
        if (readable)
            added = add(index, &room, &line);
        else
            index->unreadable++;
    }
    index->bytes = reader->bytes;
    return added ? added : r;
}

static bool
is_letter(const struct letter *row)
{
    return row->kind == LETTER_LINE_ENTRY || row->kind == LETTER_LINE_RUN;
}

static enum letter_state
state_after(const struct letter *row)
{
    if (is_letter(row))
        return LETTER_DEAD;
    return row->kind == LETTER_LINE_RETRIED ? LETTER_RETRIED : LETTER_DROPPED;
}

/* Of the rows of each place one stays: its last letter, with the last word. */
static void
settle(struct letter_index *index)
{
    struct letter *rows = index->letters;
    size_t kept = 0;

    if (index->count)
        qsort(rows, index->count, sizeof(*rows), compare);
    for (size_t i = 0, next; i < index->count; i = next) {
        const struct letter *last = NULL;

        for (next = i;
             next < index->count && !compare_places(&rows[next], &rows[i]);
             next++)
            if (is_letter(&rows[next]))
                last = &rows[next];
        if (last) {
            struct letter letter = *last;

            letter.state = state_after(&rows[next - 1]);
            rows[kept++] = letter;
        }
    }
    index->count = kept;
}

int
letter_index_read(struct letter_index *index, int dirfd,
                  void (*wrong)(void *owner, const struct letter_line *line),
                  void *owner)
{
    struct letter_reader reader;
    int r;

    *index = (struct letter_index){0};
    r = letter_reader_init(&reader, dirfd);
    if (!r)
        r = read_lines(index, &reader, wrong, owner);
    if (!r)
        settle(index);
    letter_reader_deinit(&reader);
    return r;
}

void
letter_index_deinit(struct letter_index *index)
{
    free(index->letters);
    *index = (struct letter_index){0};
}

const struct letter *
letter_index_at(const struct letter_index *index,
                struct spool_position position)
{
    size_t low = 0, high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct letter *letter = &index->letters[middle];
        int order = spool_position_compare(letter->position, position);

        if (!order)
            return letter;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct letter *
letter_index_find(const struct letter_index *index,
                  const struct letter_line *line)
{
    const struct letter *letter = letter_index_at(index, line->position);

    return letter && letter->number == line->number &&
                   letter->file == line->file
               ? letter
               : NULL;
}

/* The text of a member, as far as it has room. */
static void
get_text(struct slice object, struct slice name, char *out, size_t size)
{
    struct slice value;

    if (jsonscan_member(object, name, &value) && value.len > 2 &&
        value.data[0] == '"')
        (void)snprintf(out, size, "%.*s", (int)value.len - 2, value.data + 1);
}

int
letter_why_read(struct letter_why *why, int dirfd, const struct letter *letter)
{
    struct letter_reader reader;
    struct letter_line line;
    int r;

    *why = (struct letter_why){0};
    r = letter_reader_init(&reader, dirfd);
    while (!r && (r = letter_reader_next(&reader, &line)) > 0) {
        r = 0;
        if (line.file != letter->file || line.number != letter->number)
            continue;
        get_text(line.text, SLICE("reason"), why->reason, sizeof(why->reason));
        get_text(line.text, SLICE("code"), why->code, sizeof(why->code));
        break;
    }
    letter_reader_deinit(&reader);
    return r;
}

const char *
letter_state_name(enum letter_state state)
{
    static const char *const names[] = {
        [LETTER_DEAD] = "dead",
        [LETTER_DROPPED] = "dropped",
        [LETTER_RETRIED] = "retried",
    };

    return names[state];
}
