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
#define DROPPED "{\"resolved\":\"dropped\""
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

    *dropped = !strncmp(text, DROPPED, strlen(DROPPED));
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

/* Each name of the folder. */
static void
walk(struct retry_files *files,
     void (*each)(struct retry_files *files, const char *name, uint64_t *found),
     uint64_t *found)
{
    int fd =
        openat(files->dirfd, SPOOL_RETRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        each(files, entry->d_name, found);
    if (dir)
        (void)closedir(dir);
    else if (fd >= 0)
        (void)close(fd);
}

/* A number that no position can hold is none of ours. */
static void
find_highest(struct retry_files *files, const char *name, uint64_t *highest)
{
    uint64_t number = 0;

    (void)files;
    if (strspn(name, "0123456789") == NAME_DIGITS)
        number = strtoull(name, NULL, 10);
    if (number < SPOOL_RETRY_BASE && number > *highest)
        *highest = number;
}

static void
find_letters(struct retry_files *files, const char *name, uint64_t *lowest)
{
    uint64_t number = number_of(name, LETTERS);

    if (number > tally_letters_taken(files->tally) &&
        (!*lowest || number < *lowest))
        *lowest = number;
}

/* What is not needed any more. */
static void
tidy(struct retry_files *files, const char *name, uint64_t *unused)
{
    uint64_t number = number_of(name, LETTERS);
    char path[PATH_SIZE], fresh[PATH_SIZE];

    (void)unused;
    if (number && number <= tally_durable_letters(files->tally)) {
        path_of(number, LETTERS, path);
        (void)unlinkat(files->dirfd, path, 0);
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

/* In their order, as one number tells how far they are counted. */
static void
finish_all(struct retry_files *files)
{
    uint64_t number;
    int r;

    do {
        number = 0;
        walk(files, find_letters, &number);
        r = number ? finish(files, number) : 0;
    } while (number && !r);
    files->unfinished = r < 0;
    if (r < 0)
        log_error("retry_unfinished", log_int("number", (int64_t)number),
                  log_errno(r), log_text("next", "it is tried again"), );
    walk(files, tidy, NULL);
}

int
retry_files_open(struct retry_files *files, int dirfd, struct tally *tally,
                 struct dead_letter *dead)
{
    *files = (struct retry_files){.dirfd = dirfd, .tally = tally, .dead = dead};
    /* The setgid bit is the spool's to pass on: RestrictSUIDSGID= forbids to
     * ask for it. */
    if (mkdirat(dirfd, SPOOL_RETRY, 0770) < 0 && errno != EEXIST)
        return -errno;
    finish_all(files);
    return 0;
}

/* One that nothing bears: files, the checkpoint, or letters, which would be
 * mistaken for others where the checkpoint was lost. */
static uint64_t
next_number(struct retry_files *files)
{
    uint64_t letters = tally_letters_taken(files->tally);
    uint64_t read = tally_durable_retry(files->tally).segment;
    uint64_t dead = dead_letter_highest(files->dead);
    uint64_t last = letters;

    walk(files, find_highest, &last);
    if (dead > read)
        read = dead;
    if (spool_is_retry(read) && read - SPOOL_RETRY_BASE > last)
        last = read - SPOOL_RETRY_BASE;
    return last + 1;
}

static bool
is_there(const struct retry_files *files, const char *path)
{
    return faccessat(files->dirfd, path, F_OK, 0) == 0;
}

/* The first bytes of a file: "" where they cannot be read. */
static void
read_start(const struct retry_files *files, const char *path, char *start,
           size_t size)
{
    int fd = fileio_open(files->dirfd, path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : fileio_read_at(fd, start, size - 1, 0);

    start[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

/* Whether the two belong together: clickspoolctl may be taking back one after
 * the other at this moment.  Letters that are sent again have their lines, and
 * their lines have them. */
static bool
is_whole(const struct retry_files *files, const char *lines,
         const char *letters, bool *has_lines, bool *has_letters)
{
    struct spool_control control = {0};
    char start[sizeof(DROPPED)];
    int fd = fileio_open(files->dirfd, lines, O_RDONLY);

    *has_lines = fd >= 0;
    *has_letters = is_there(files, letters);
    if (fd < 0) {
        read_start(files, letters, start, sizeof(start));
        return fd == -ENOENT && !strcmp(start, DROPPED);
    }
    (void)spool_control_read(fd, &control);
    (void)close(fd);
    return control.kind == (*has_letters ? SPOOL_LETTERS : SPOOL_REPLAY);
}

int
retry_files_take(struct retry_files *files, const char *name, uint64_t *number)
{
    char lines[PATH_SIZE], letters[PATH_SIZE], to[PATH_SIZE];
    bool has_lines, has_letters;
    int r = 0;

    if (!*name || strlen(name) > RETRY_FILES_NAME_MAX ||
        strspn(name, NAME_CHARS) != strlen(name))
        return -EINVAL;
    (void)snprintf(lines, sizeof(lines), SPOOL_RETRY "/%s" TMP, name);
    (void)snprintf(letters, sizeof(letters), SPOOL_RETRY "/%s" LETTERS, name);
    if (files->unfinished)
        return -EBUSY;
    if (!is_whole(files, lines, letters, &has_lines, &has_letters))
        return -ENOENT;
    *number = next_number(files);
    if (has_lines) {
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

    finish_all(files);
    if (spool_list_retry(&list, files->dirfd) < 0)
        return;
    for (size_t i = 0; i < list.count; i++)
        if (is_read(files, list.numbers[i], durable) &&
            !dead_letter_keeps(files->dead, list.numbers[i]) &&
            unlinkat(files->dirfd, spool_name(list.numbers[i], name), 0) == 0)
            log_notice("retry_done", log_text("file", name), );
    spool_list_deinit(&list);
}

/* Whether its entries count is what the first line says: without it they are
 * neither sent nor passed over. */
static void
tell_damaged(struct retry_files *files, uint64_t segment)
{
    char name[SPOOL_NAME_SIZE];

    if (files->damaged == segment)
        return;
    files->damaged = segment;
    log_error("retry_damaged", log_text("file", spool_name(segment, name)),
              log_text("what", "its first line cannot be read"),
              log_text("next", "move it out of retry/, restart shipper, and "
                               "replay --file the other lines"), );
}

/* One file is read at a time, so one first line is enough to know.  Return:
 * whether that could be read; of a damaged one nothing is known. */
static bool
know(struct retry_files *files, uint64_t segment)
{
    int fd, r;

    if (files->segment == segment)
        return true;
    fd = spool_open_segment(files->dirfd, segment);
    if (fd < 0)
        return false;
    r = spool_control_read(fd, &files->control);
    (void)close(fd);
    files->segment = r ? 0 : segment;
    files->began_us = clock_mono_us();
    files->last = (struct spool_position){0};
    files->passed = 0;
    if (r)
        tell_damaged(files, segment);
    return !r;
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
    if (!know(files, position.segment))
        return false; /* nor is it known how it counts */
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
