#include "shipper/ctl/letter_reader.h"

#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/dead_letter_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OFFSET_DIGITS_MAX = 18 };

int
letter_reader_init(struct letter_reader *reader, int dirfd)
{
    *reader = (struct letter_reader){.dirfd = dirfd};
    reader->line = malloc(DEAD_LETTER_LINE_MAX);
    return reader->line ? 0 : -ENOMEM;
}

void
letter_reader_deinit(struct letter_reader *reader)
{
    if (reader->stream)
        (void)fclose(reader->stream);
    free(reader->line);
    reader->stream = NULL;
    reader->line = NULL;
}

/* Return: 1, 0 where there is none any more, or a negative errno. */
static int
open_next(struct letter_reader *reader)
{
    int fd = dead_letter_open_next(reader->dirfd, &reader->file);

    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return fd;
    reader->stream = fdopen(fd, "r");
    if (!reader->stream) {
        (void)close(fd);
        return -ENOMEM;
    }
    reader->number = 0;
    return 1;
}

/* Of a longer line the first bytes.  *@len counts all, its newline too. */
static int
read_bytes(struct letter_reader *reader, size_t *len)
{
    int c = 0;

    *len = 0;
    while (c != '\n' && (c = getc_unlocked(reader->stream)) != EOF) {
        if (*len < DEAD_LETTER_LINE_MAX)
            reader->line[*len] = (char)c;
        ++*len;
    }
    return ferror(reader->stream) ? -EIO : *len > 0;
}

static bool
get_segment(struct slice line, uint64_t *segment)
{
    char name[SPOOL_NAME_SIZE] = "";
    struct slice value;

    if (!jsonscan_member(line, SLICE("segment"), &value) || value.len < 2 ||
        value.len - 2 >= sizeof(name))
        return false;
    memcpy(name, value.data + 1, value.len - 2);
    *segment = spool_number(name);
    return *segment != 0;
}

static bool
get_offset(struct slice line, uint64_t *offset)
{
    struct slice value;

    if (!jsonscan_member(line, SLICE("offset"), &value) ||
        value.len > OFFSET_DIGITS_MAX)
        return false;
    *offset = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        *offset = *offset * 10 + (uint64_t)(value.data[i] - '0');
    }
    return true;
}

static enum letter_line_kind
kind_of(struct slice line)
{
    struct slice value;

    if (jsonscan_member(line, SLICE("reason"), &value))
        return jsonvalue_equals(value, SLICE(DEAD_LETTER_BAD))
                   ? LETTER_LINE_RUN
                   : LETTER_LINE_ENTRY;
    if (!jsonscan_member(line, SLICE("resolved"), &value))
        return LETTER_LINE_BAD;
    if (jsonvalue_equals(value, SLICE("dropped")))
        return LETTER_LINE_DROPPED;
    return jsonvalue_equals(value, SLICE("retried")) ? LETTER_LINE_RETRIED
                                                     : LETTER_LINE_BAD;
}

static bool
has_prefix(struct slice entry)
{
    return entry.len >= LINE_MIN &&
           !memcmp(entry.data, LINE_PREFIX, LINE_CRC_AT);
}

/* An entry brings its checksum along, over a newline that a letter lacks. */
static bool
is_whole(struct letter_reader *reader, struct slice entry)
{
    char *bytes = reader->line + (entry.data - reader->line);
    char behind = bytes[entry.len];
    bool ok;

    bytes[entry.len] = '\n';
    ok = line_ok(bytes, entry.len + 1);
    bytes[entry.len] = behind;
    return ok;
}

static void
judge_entry(struct letter_reader *reader, struct letter_line *line)
{
    if (!jsonscan_member(line->text, SLICE("entry"), &line->entry) ||
        *line->entry.data != '{') {
        line->kind = LETTER_LINE_BAD;
        line->wrong = "a letter without its entry";
    } else if (has_prefix(line->entry) && !is_whole(reader, line->entry)) {
        line->wrong = "the entry's checksum is wrong";
    }
}

static void
judge(struct letter_reader *reader, struct letter_line *line)
{
    if (!jsonscan_valid(line->text)) {
        line->wrong = "no JSON";
        return;
    }
    line->kind = kind_of(line->text);
    if (line->kind == LETTER_LINE_BAD ||
        !get_segment(line->text, &line->position.segment) ||
        !get_offset(line->text, &line->position.offset)) {
        line->kind = LETTER_LINE_BAD;
        line->wrong = "no dead letter, and nothing that resolves one";
        return;
    }
    if (line->kind == LETTER_LINE_ENTRY)
        judge_entry(reader, line);
}

static void
take(struct letter_reader *reader, size_t len, struct letter_line *line)
{
    bool too_long = len > DEAD_LETTER_LINE_MAX;

    reader->bytes += len;
    *line = (struct letter_line){
        .kind = LETTER_LINE_BAD,
        .file = reader->file,
        .number = ++reader->number,
    };
    if (feof(reader->stream)) {
        line->kind = LETTER_LINE_TORN;
        line->wrong = "it ends within a line";
    } else if (too_long) {
        line->wrong = "longer than any letter";
    } else {
        line->text = (struct slice){reader->line, len - 1};
        judge(reader, line);
    }
}

int
letter_reader_next(struct letter_reader *reader, struct letter_line *line)
{
    for (;;) {
        size_t len;
        int r = reader->stream ? 1 : open_next(reader);

        if (r <= 0)
            return r;
        r = read_bytes(reader, &len);
        if (r < 0)
            return r;
        if (r) {
            take(reader, len, line);
            return 1;
        }
        (void)fclose(reader->stream);
        reader->stream = NULL;
    }
}

int64_t
letter_line_ts(const struct letter_line *line)
{
    return has_prefix(line->entry) ? line_ts(line->entry.data) : INT64_MIN;
}
