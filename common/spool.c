#include "common/spool.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/line.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGITS = 20 };

#define RETRY_PREFIX SPOOL_RETRY "/"

static const char *const kinds[] = {
    [SPOOL_LETTERS] = "letters",
    [SPOOL_REPLAY] = "replay",
};

int
spool_position_compare(struct spool_position a, struct spool_position b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    if (a.offset != b.offset)
        return a.offset < b.offset ? -1 : 1;
    return 0;
}

const char *
spool_name(uint64_t number, char name[SPOOL_NAME_SIZE])
{
    bool retry = spool_is_retry(number);

    (void)snprintf(name, SPOOL_NAME_SIZE, "%s%020" PRIu64 ".ndjson",
                   retry ? RETRY_PREFIX : "",
                   retry ? number - SPOOL_RETRY_BASE : number);
    return name;
}

uint64_t
spool_number(const char *name)
{
    char again[SPOOL_NAME_SIZE];
    const char *digits = name;
    uint64_t number;

    if (!strncmp(name, RETRY_PREFIX, strlen(RETRY_PREFIX)))
        digits += strlen(RETRY_PREFIX);
    if (strlen(digits) != SPOOL_NAME_LEN ||
        strspn(digits, "0123456789") != DIGITS)
        return 0;
    number = strtoull(digits, NULL, 10);
    if (digits != name)
        number += SPOOL_RETRY_BASE;
    return strcmp(spool_name(number, again), name) ? 0 : number;
}

static int
list_add(struct spool_list *list, size_t *room, uint64_t number)
{
    if (list->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        uint64_t *numbers = reallocarray(list->numbers, more, sizeof(*numbers));

        if (!numbers)
            return -ENOMEM;
        list->numbers = numbers;
        *room = more;
    }
    list->numbers[list->count++] = number;
    return 0;
}

static int
compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* The numbers of the files in a folder; each is counted from @base on. */
static int
list_read(struct spool_list *list, int dirfd, const char *folder, uint64_t base)
{
    const struct dirent *entry;
    size_t room = 0;
    DIR *dir;
    int fd, r = 0;

    *list = (struct spool_list){0};
    fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir) {
        r = -errno;
        (void)close(fd);
        return r;
    }

    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        uint64_t number = spool_number(entry->d_name);

        r = number ? list_add(list, &room, base + number) : 0;
        if (r < 0)
            goto out;
    }
    r = -errno;
    if (list->count)
        qsort(list->numbers, list->count, sizeof(*list->numbers),
              compare_numbers);

out:
    (void)closedir(dir);
    if (r < 0)
        spool_list_deinit(list);
    return r;
}

int
spool_list_read(struct spool_list *list, int dirfd)
{
    return list_read(list, dirfd, ".", 0);
}

int
spool_list_retry(struct spool_list *list, int dirfd)
{
    int r = list_read(list, dirfd, SPOOL_RETRY, SPOOL_RETRY_BASE);

    return r == -ENOENT ? 0 : r;
}

void
spool_list_deinit(struct spool_list *list)
{
    free(list->numbers);
    *list = (struct spool_list){0};
}

int
spool_control_write(struct buf *out, struct spool_control *control)
{
    char name[SPOOL_NAME_SIZE] = "";
    size_t start = out->len;

    if (control->prev)
        (void)spool_name(control->prev, name);
    (void)buf_puts(out, LINE_PREFIX);
    (void)buf_printf(out,
                     "\"_segment\":{\"v\":%d,\"prev\":\"%s\",\"prevEnd\":"
                     "%" PRIu64 ",\"entries\":%" PRIu64,
                     SPOOL_VERSION, name, control->prev_end, control->entries);
    if (control->kind)
        (void)buf_printf(out, ",\"kind\":\"%s\",\"rate\":%" PRIu64,
                         kinds[control->kind], control->rate);
    (void)buf_puts(out, "}}\n");
    if (out->failed)
        return out->failed;

    control->len = out->len - start;
    line_seal(out->data + start, control->len, control->ts);
    return 0;
}

/* A segment says nothing of it. */
static void
parse_kind(const cJSON *object, struct spool_control *control)
{
    const char *kind = json_get_string(object, "kind");

    for (int i = SPOOL_LETTERS; kind && i <= SPOOL_REPLAY; i++)
        if (!strcmp(kind, kinds[i]))
            control->kind = (enum spool_kind)i;
    (void)json_get_uint(object, "rate", &control->rate);
}

static int
control_parse(const char *line, struct spool_control *control)
{
    cJSON *tree = json_parse(line, control->len);
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(tree, "_segment");
    const char *prev = json_get_string(object, "prev");
    uint64_t version = 0;
    int r = SPOOL_VOID;

    if (!json_get_uint(object, "v", &version))
        goto out;
    r = SPOOL_UNKNOWN;
    if (version != SPOOL_VERSION)
        goto out;

    r = SPOOL_VOID;
    if (!prev || !json_get_uint(object, "prevEnd", &control->prev_end) ||
        !json_get_uint(object, "entries", &control->entries))
        goto out;
    control->prev = spool_number(prev);
    if (*prev && !control->prev)
        goto out;
    parse_kind(object, control);
    control->ts = line_ts(line);
    r = 0;

out:
    cJSON_Delete(tree);
    return r;
}

int
spool_control_read(int fd, struct spool_control *control)
{
    char line[SPOOL_CONTROL_MAX];
    const char *end;
    ssize_t n;

    *control = (struct spool_control){0};
    n = fileio_read_at(fd, line, sizeof(line), 0);
    if (n < 0)
        return (int)n;

    end = memchr(line, '\n', (size_t)n);
    if (!end)
        return SPOOL_VOID;
    control->len = (size_t)(end - line) + 1;
    if (!line_ok(line, control->len) || !line_is_control(line, control->len))
        return SPOOL_VOID;
    return control_parse(line, control);
}

int
spool_open_segment(int dirfd, uint64_t number)
{
    char name[SPOOL_NAME_SIZE];

    return fileio_open(dirfd, spool_name(number, name), O_RDONLY);
}

int
spool_successor(int dirfd, const struct spool_list *list, uint64_t number,
                uint64_t *successor, struct spool_control *control)
{
    for (size_t i = 0; i < list->count; i++) {
        int fd, r;

        if (list->numbers[i] <= number)
            continue;
        fd = spool_open_segment(dirfd, list->numbers[i]);
        if (fd < 0)
            return fd;
        r = spool_control_read(fd, control);
        (void)close(fd);
        if (r == SPOOL_VOID)
            continue;
        *successor = list->numbers[i];
        return r ? r : 1;
    }
    return 0;
}
