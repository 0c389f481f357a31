#include "shipper/dead_letter_read.h"

#include "common/array.h"
#include "common/fileio.h"
#include "common/json.h"

#include <cjson/cJSON.h>
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

static int
add_known(struct dead_letter_index *index, struct spool_position position)
{
    struct spool_position *known =
        array_grow(index->known, index->known_count, &index->known_room,
                   sizeof(*known));

    if (!known)
        return -ENOMEM;
    index->known = known;
    known[index->known_count++] = position;
    return 0;
}

int
dead_letter_index_keep(struct dead_letter_index *index, uint64_t segment)
{
    uint64_t *kept;

    if (dead_letter_index_keeps(index, segment))
        return 0;
    kept = array_grow(index->kept, index->kept_count, &index->kept_room,
                      sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    index->kept = kept;
    kept[index->kept_count++] = segment;
    return 0;
}

bool
dead_letter_index_has(const struct dead_letter_index *index,
                      struct spool_position position)
{
    for (size_t i = 0; i < index->known_count; i++)
        if (!spool_position_compare(index->known[i], position))
            return true;
    return false;
}

bool
dead_letter_index_keeps(const struct dead_letter_index *index, uint64_t segment)
{
    for (size_t i = 0; i < index->kept_count; i++)
        if (index->kept[i] == segment)
            return true;
    return false;
}

static int
read_letter(struct dead_letter_index *index, const char *line, size_t len,
            struct spool_position from)
{
    cJSON *tree = json_parse(line, len);
    const char *segment = json_get_string(tree, "segment");
    const char *reason = json_get_string(tree, "reason");
    struct spool_position position = {0};
    int r = 0;

    if (segment)
        position.segment = spool_number(segment);
    if (reason && position.segment &&
        json_get_uint(tree, "offset", &position.offset)) {
        if (spool_position_compare(position, from) >= 0)
            r = add_known(index, position);
        if (!r && !strcmp(reason, DEAD_LETTER_BAD))
            r = dead_letter_index_keep(index, position.segment);
    }
    cJSON_Delete(tree);
    return r;
}

static int
read_file(struct dead_letter_index *index, FILE *file,
          struct spool_position from)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int r = 0;

    index->torn = false;
    while (!r && (len = getline(&line, &room, file)) > 0) {
        index->bytes += (uint64_t)len;
        index->torn = line[len - 1] != '\n';
        if (!index->torn && len <= DEAD_LETTER_LINE_MAX)
            r = read_letter(index, line, (size_t)len, from);
    }
    if (!r && ferror(file))
        r = -EIO;
    free(line);
    return r;
}

int
dead_letter_index_read(struct dead_letter_index *index, int dirfd,
                       struct spool_position from)
{
    char name[DEAD_LETTER_NAME_SIZE];
    unsigned number = 1;
    FILE *file;
    int fd, r = 0;

    *index = (struct dead_letter_index){.number = 1};
    for (; !r; number++) {
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
        r = read_file(index, file, from);
        (void)fclose(file);
        index->number = number;
    }
    return r;
}

void
dead_letter_index_deinit(struct dead_letter_index *index)
{
    free(index->known);
    free(index->kept);
    *index = (struct dead_letter_index){.number = 1};
}
