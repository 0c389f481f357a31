#include "shipper/ctl/wish.h"

#include "common/clock.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/line.h"
#include "common/settings.h"
#include "common/timefmt.h"
#include "shipper/ctl/broker_ask.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/jsonscan.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FLUSH_BYTES = 1024 * 1024,
    TEXT_MAX = 2 * FLUSH_BYTES,
    LETTERS_MAX = 16 * 1024 * 1024,
    PATH_SIZE = WISH_NAME_SIZE + 16,
};

#define LOCK "lock"
#define LINES ".tmp"
#define LETTERS ".letters"

/* Of "<pid>-<time>.tmp" and such: shipper's own names have no dash. */
static bool
is_wish(const char *name)
{
    const char *end = name + strspn(name, "0123456789-");

    return memchr(name, '-', (size_t)(end - name)) &&
           (!strcmp(end, LINES) || !strcmp(end, LETTERS));
}

/* The lock is ours, so these are of one that was killed: nobody asks for them
 * any more, and they may be large. */
static void
remove_stale(const struct wish *wish)
{
    int fd = fileio_open(wish->folder, ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (is_wish(entry->d_name))
            (void)unlinkat(wish->folder, entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    else if (fd >= 0)
        (void)close(fd);
}

int
wish_open(struct wish *wish, const struct ctl *ctl)
{
    *wish = (struct wish){
        .ctl = ctl, .lock = -1, .folder = -1, .lines = -1, .letters = -1};
    buf_init(&wish->lines_text, TEXT_MAX);
    buf_init(&wish->letters_text, LETTERS_MAX);
    (void)snprintf(wish->name, sizeof(wish->name), "%d-%" PRId64, (int)getpid(),
                   clock_wall_ms());
    fileio_umask();
    if (mkdirat(ctl->dirfd, SPOOL_RETRY, 0770) < 0 && errno != EEXIST)
        return ctl_fail(ctl, SPOOL_RETRY, -errno);
    wish->folder =
        openat(ctl->dirfd, SPOOL_RETRY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (wish->folder < 0)
        return ctl_fail(ctl, SPOOL_RETRY, -errno);
    wish->lock = fileio_lock(wish->folder, LOCK);
    if (wish->lock == -EAGAIN) {
        fputs("clickspoolctl: another one is at it\n", stderr);
        return CTL_UNREACHABLE;
    }
    if (wish->lock < 0)
        return ctl_fail(ctl, SPOOL_RETRY "/" LOCK, wish->lock);
    remove_stale(wish);
    return 0;
}

static const char *
path_of(const struct wish *wish, const char *ending, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s%s", wish->name, ending);
    return path;
}

static void
close_file(const struct wish *wish, int *fd, const char *ending)
{
    char path[PATH_SIZE];

    if (*fd < 0)
        return;
    (void)close(*fd);
    *fd = -1;
    (void)unlinkat(wish->folder, path_of(wish, ending, path), 0);
}

void
wish_close(struct wish *wish)
{
    if (!wish->ctl) /* never opened */
        return;
    close_file(wish, &wish->lines, LINES);
    close_file(wish, &wish->letters, LETTERS);
    buf_deinit(&wish->lines_text);
    buf_deinit(&wish->letters_text);
    if (wish->lock >= 0)
        (void)close(wish->lock);
    if (wish->folder >= 0)
        (void)close(wish->folder);
    wish->lock = wish->folder = -1;
}

static int
create(const struct wish *wish, const char *ending)
{
    char path[PATH_SIZE];

    return fileio_open(wish->folder, path_of(wish, ending, path),
                       O_WRONLY | O_CREAT | O_EXCL);
}

int
wish_begin_lines(struct wish *wish, enum spool_kind kind, uint64_t rate)
{
    struct spool_control control = {
        .ts = clock_wall_ms(),
        .kind = kind,
        .rate = rate,
    };

    wish->lines = create(wish, LINES);
    if (wish->lines < 0)
        return wish->lines;
    return spool_control_write(&wish->lines_text, &control);
}

/* Room for dead letters and checkpoint is not an operator's to use. */
static bool
has_room(const struct wish *wish)
{
    const struct settings *settings = &wish->ctl->settings;
    uint64_t least = (uint64_t)settings->spool.min_free;
    uint64_t reserve = 2 * (uint64_t)settings->spool.segment_size;
    struct statvfs disk;

    if (least < reserve)
        least = reserve;
    return fstatvfs(wish->folder, &disk) < 0 ||
           disk.f_bavail * disk.f_frsize >= least + FLUSH_BYTES;
}

static int
flush(struct wish *wish)
{
    struct buf *text = &wish->lines_text;
    int r;

    if (text->failed)
        return text->failed;
    if (!has_room(wish))
        return -ENOSPC;
    r = fileio_write_all(wish->lines, text->data, text->len);
    wish->bytes += text->len;
    buf_clear(text);
    return r;
}

/* The line as if it came now; when it came first stays to be seen. */
static int
append_anew(struct buf *text, struct slice line)
{
    char first[TIMEFMT_SIZE];
    size_t start = text->len;
    struct slice value;

    (void)buf_append(text, line.data, line.len - 1);
    if (!jsonscan_member(line, SLICE("receivedAt"), &value)) {
        timefmt_rfc3339(first, line_ts(line.data));
        (void)buf_printf(text, ",\"receivedAt\":\"%s\"", first);
    }
    (void)buf_puts(text, "}\n");
    if (text->failed)
        return text->failed;
    if (text->len - start > LINE_LEN_MAX) {
        buf_truncate(text, start);
        return -E2BIG;
    }
    line_seal(text->data + start, text->len - start, clock_wall_ms());
    return 0;
}

int
wish_add(struct wish *wish, struct slice line, bool anew)
{
    struct buf *text = &wish->lines_text;
    int r;

    if (anew) {
        r = append_anew(text, line);
        if (r)
            return r;
    } else {
        (void)buf_append(text, line.data, line.len);
        (void)buf_putc(text, '\n');
    }
    wish->entries++;
    return text->len < FLUSH_BYTES ? text->failed : flush(wish);
}

int
wish_resolve(struct wish *wish, struct spool_position position,
             const char *what, bool run)
{
    char name[SPOOL_NAME_SIZE];

    if (wish->letters < 0)
        wish->letters = create(wish, LETTERS);
    if (wish->letters < 0)
        return wish->letters;
    wish->letter_count++;
    (void)buf_printf(&wish->letters_text,
                     "{\"resolved\":\"%s\",\"segment\":\"%s\",\"offset\":"
                     "%" PRIu64 "%s}\n",
                     what, spool_name(position.segment, name), position.offset,
                     run ? ",\"run\":true" : "");
    return wish->letters_text.failed;
}

/* From here on shipper's: what is not taken is told by its answer. */
static int
make_durable(struct wish *wish)
{
    int r = 0;

    if (wish->lines >= 0) {
        r = flush(wish);
        if (!r)
            r = fileio_sync(wish->lines);
    }
    if (!r && wish->letters >= 0) {
        r = fileio_write_all(wish->letters, wish->letters_text.data,
                             wish->letters_text.len);
        if (!r)
            r = fileio_sync(wish->letters);
    }
    return r ? r : fileio_sync(wish->folder);
}

int
wish_send(struct wish *wish)
{
    struct cJSON *answer;
    struct buf members;
    int code, r;

    r = make_durable(wish);
    if (r)
        return ctl_fail(wish->ctl, SPOOL_RETRY, r);
    buf_init(&members, PATH_SIZE * 2);
    (void)buf_puts(&members, ",\"ask\":\"take\",\"name\":");
    json_string(&members, wish->name);
    code = broker_ask(wish->ctl, &members, &answer);
    buf_deinit(&members);
    if (code)
        return code;
    (void)json_get_uint(answer, "number", &wish->number);
    cJSON_Delete(answer);
    return CTL_OK;
}
