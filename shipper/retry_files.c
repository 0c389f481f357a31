#include "shipper/retry_files.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/log.h"
#include "shipper/dead_letter.h"
#include "shipper/tally.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 80,
    LETTERS_BYTES_MAX = 16 * 1024 * 1024,
    NAME_DIGITS = 20,
    US = 1000000,
};

#define LETTERS ".letters"
#define NEW ".new"
#define TMP ".tmp"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

static void
path_of(uint64_t number, const char *ending, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, SPOOL_RETRY "/%020" PRIu64 "%s", number,
                   ending);
}

/* Return: the number of a file with that ending, or 0. */
static uint64_t
number_of(const char *name, const char *ending)
{
    if (strspn(name, "0123456789") != NAME_DIGITS ||
        strcmp(name + NAME_DIGITS, ending) != 0)
        return 0;
    return strtoull(name, NULL, 10);
}

/* Renamed, and durably so.  Return: 0 or a negative errno. */
static int
move(const struct retry_files *files, const char *from, const char *to)
{
    int folder, r;

    if (fileio_ops.renameat(files->dirfd, from, files->dirfd, to) < 0)
        return -errno;
    folder =
        openat(files->dirfd, SPOOL_RETRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    r = fileio_sync(folder);
    (void)close(folder);
    return r;
}

/* How many lines there are of letters with an entry, and what was done. */
static uint64_t
count_letters(const char *text, bool *dropped)
{
    uint64_t entries = 0;

    *dropped = !strncmp(text, "{\"resolved\":\"dropped\"",
                        strlen("{\"resolved\":\"dropped\""));
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        const char *run = strstr(text, "\"run\":true");

        entries += !run || run > end;
    }
    return entries;
}

/* The letters are resolved, counted, and what is to be sent gets its name. */
static int
finish(struct retry_files *files, uint64_t number)
{
    char letters[PATH_SIZE], fresh[PATH_SIZE], name[SPOOL_NAME_SIZE];
    bool dropped;
    uint64_t entries;
    char *text;
    size_t len;
    int r;

    path_of(number, LETTERS, letters);
    path_of(number, NEW, fresh);
    r = fileio_read_all(files->dirfd, letters, LETTERS_BYTES_MAX, &text, &len);
    if (r < 0)
        return r;
    entries = count_letters(text, &dropped);
    r = dead_letter_resolve(files->dead, (struct slice){text, len},
                            tally_durable(files->tally));
    free(text);
    if (!r)
        r = move(files, fresh, spool_name(SPOOL_RETRY_BASE + number, name));
    if (r && r != -ENOENT) /* dropped, or named already */
        return r;
    if (tally_letters(files->tally, number, entries, dropped))
        log_notice("letters_resolved", log_int("number", (int64_t)number),
                   log_int("entries", (int64_t)entries),
                   log_text("what", dropped ? "dropped" : "retried"), );
    return 0;
}

/* Of one name in the folder. */
static void
look_at(struct retry_files *files, const char *name)
{
    uint64_t number = number_of(name, LETTERS);
    char path[PATH_SIZE], fresh[PATH_SIZE];
    int r;

    if (number && number <= tally_durable_letters(files->tally)) {
        path_of(number, LETTERS, path);
        (void)unlinkat(files->dirfd, path, 0);
    } else if (number && number > tally_letters_taken(files->tally)) {
        r = finish(files, number);
        files->unfinished |= r < 0;
        if (r < 0)
            log_error("retry_unfinished", log_text("file", name), log_errno(r),
                      log_text("next", "it is tried again"), );
    }
    /* Taken, but the crash came before anybody was told. */
    number = number_of(name, NEW);
    if (number) {
        path_of(number, LETTERS, path);
        path_of(number, NEW, fresh);
        if (faccessat(files->dirfd, path, F_OK, 0) < 0 && errno == ENOENT)
            (void)unlinkat(files->dirfd, fresh, 0);
    }
}

/* Each name of the folder, to look_at(), or to find the highest number. */
static uint64_t
walk(struct retry_files *files, bool look)
{
    int fd =
        openat(files->dirfd, SPOOL_RETRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    uint64_t highest = 0;

    while (dir && (entry = readdir(dir))) {
        uint64_t number = strspn(entry->d_name, "0123456789") == NAME_DIGITS
                              ? strtoull(entry->d_name, NULL, 10)
                              : 0;

        if (number > highest)
            highest = number;
        if (look)
            look_at(files, entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
    else if (fd >= 0)
        (void)close(fd);
    return highest;
}

int
retry_files_open(struct retry_files *files, int dirfd, struct tally *tally,
                 struct dead_letter *dead)
{
    *files = (struct retry_files){.dirfd = dirfd, .tally = tally, .dead = dead};
    if (mkdirat(dirfd, SPOOL_RETRY, 02770) < 0 && errno != EEXIST)
        return -errno;
    (void)walk(files, true);
    return 0;
}

static uint64_t
next_number(struct retry_files *files)
{
    uint64_t next = walk(files, false);
    uint64_t letters = tally_letters_taken(files->tally);
    uint64_t read = tally_durable_retry(files->tally).segment;

    if (letters > next)
        next = letters;
    if (spool_is_retry(read) && read - SPOOL_RETRY_BASE > next)
        next = read - SPOOL_RETRY_BASE;
    return next + 1;
}

static bool
is_there(const struct retry_files *files, const char *path)
{
    return faccessat(files->dirfd, path, F_OK, 0) == 0;
}

int
retry_files_take(struct retry_files *files, const char *name, uint64_t *number)
{
    char lines[PATH_SIZE], letters[PATH_SIZE], to[PATH_SIZE];
    bool has_letters;
    int r = 0;

    if (!*name || strlen(name) > RETRY_FILES_NAME_MAX ||
        strspn(name, NAME_CHARS) != strlen(name))
        return -EINVAL;
    (void)snprintf(lines, sizeof(lines), SPOOL_RETRY "/%s" TMP, name);
    (void)snprintf(letters, sizeof(letters), SPOOL_RETRY "/%s" LETTERS, name);
    if (files->unfinished)
        return -EBUSY;
    has_letters = is_there(files, letters);
    if (!has_letters && !is_there(files, lines))
        return -ENOENT;
    *number = next_number(files);
    if (is_there(files, lines)) {
        path_of(*number, has_letters ? NEW : ".ndjson", to);
        r = move(files, lines, to);
    }
    if (r || !has_letters)
        return r;
    path_of(*number, LETTERS, to);
    r = move(files, letters, to);
    if (r)
        return r;
    r = finish(files, *number);
    files->unfinished |= r < 0;
    return r;
}

static bool
is_read(const struct retry_files *files, uint64_t number,
        struct spool_position durable)
{
    char name[SPOOL_NAME_SIZE];
    struct stat st;

    if (number != durable.segment)
        return number < durable.segment;
    return fstatat(files->dirfd, spool_name(number, name), &st, 0) == 0 &&
           (uint64_t)st.st_size <= durable.offset;
}

void
retry_files_sweep(struct retry_files *files, struct spool_position durable)
{
    char name[SPOOL_NAME_SIZE];
    struct spool_list list;

    files->unfinished = false;
    (void)walk(files, true);
    if (spool_list_retry(&list, files->dirfd) < 0)
        return;
    for (size_t i = 0; i < list.count; i++)
        if (is_read(files, list.numbers[i], durable) &&
            !dead_letter_keeps(files->dead, list.numbers[i]) &&
            unlinkat(files->dirfd, spool_name(list.numbers[i], name), 0) == 0)
            log_notice("retry_done", log_text("file", name), );
    spool_list_deinit(&list);
}

/* One file is read at a time, so one first line is enough to know. */
static void
know(struct retry_files *files, uint64_t segment)
{
    int fd;

    if (files->segment == segment)
        return;
    files->segment = segment;
    files->control = (struct spool_control){0};
    files->began_us = clock_mono_us();
    files->last = (struct spool_position){0};
    files->passed = 0;
    fd = spool_open_segment(files->dirfd, segment);
    if (fd < 0)
        return;
    (void)spool_control_read(fd, &files->control);
    (void)close(fd);
}

bool
retry_files_bury(struct retry_files *files, uint64_t segment)
{
    struct spool_control control = {0};
    int fd;

    if (!spool_is_retry(segment))
        return true;
    if (files->segment == segment)
        return files->control.kind != SPOOL_REPLAY;
    fd = spool_open_segment(files->dirfd, segment); /* not the one being read */
    if (fd >= 0) {
        (void)spool_control_read(fd, &control);
        (void)close(fd);
    }
    return control.kind != SPOOL_REPLAY;
}

bool
retry_files_may_read(struct retry_files *files, struct spool_position position)
{
    uint64_t age_us;

    if (!spool_is_retry(position.segment))
        return true;
    know(files, position.segment);
    if (spool_position_compare(position, files->last) <= 0)
        return true; /* it was passed, and had no place */
    age_us = (uint64_t)(clock_mono_us() - files->began_us);
    if (files->control.rate &&
        files->passed > age_us * files->control.rate / US)
        return false;
    files->last = position;
    files->passed++;
    return true;
}
