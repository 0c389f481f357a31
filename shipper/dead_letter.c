#include "shipper/dead_letter.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/timefmt.h"
#include "shipper/dead_letter_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GATHERED_MAX = 16 * 1024 * 1024 };

struct dead_letter {
    int dirfd;
    uint64_t max_size;
    struct dead_letter_index index; /* what stands in the files */
    struct buf gathered;
    bool file_failed; /* the present file is not written any more */
};

int
dead_letter_open(struct dead_letter **out, int dirfd, uint64_t max_size,
                 struct spool_position from)
{
    struct dead_letter *dead = calloc(1, sizeof(*dead));
    int r;

    if (!dead)
        return -ENOMEM;
    dead->dirfd = dirfd;
    dead->max_size = max_size;
    buf_init(&dead->gathered, GATHERED_MAX);
    r = dead_letter_index_read(&dead->index, dirfd, from);
    if (r < 0) {
        dead_letter_close(dead);
        return r;
    }
    dead->file_failed = dead->index.torn;
    *out = dead;
    return 0;
}

void
dead_letter_close(struct dead_letter *dead)
{
    if (!dead)
        return;
    dead_letter_index_deinit(&dead->index);
    buf_deinit(&dead->gathered);
    free(dead);
}

/* Everything up to where the two kinds of letters differ. */
static void
begin_letter(struct buf *out, const struct dead_letter_why *why,
             struct spool_position position, int64_t now_ms)
{
    char name[SPOOL_NAME_SIZE], now[TIMEFMT_SIZE];

    timefmt_rfc3339(now, now_ms);
    (void)buf_printf(out, "{\"reason\":\"%s\",\"code\":", why->reason);
    json_string(out, why->code);
    if (why->message) {
        (void)buf_puts(out, ",\"message\":\"");
        json_escape_printable(out, why->message, strlen(why->message));
        (void)buf_putc(out, '"');
    }
    (void)buf_printf(out,
                     ",\"failedAt\":\"%s\",\"segment\":\"%s\","
                     "\"offset\":%" PRIu64,
                     now, spool_name(position.segment, name), position.offset);
}

/* A letter is whole or it is not there. */
static int
end_letter(struct buf *out, size_t start)
{
    int r;

    (void)buf_puts(out, "}\n");
    r = out->failed;
    if (r)
        buf_truncate(out, start);
    out->failed = 0;
    return r;
}

int
dead_letter_add(struct dead_letter *dead, const struct dead_letter_why *why,
                struct spool_position position, struct slice entry,
                int64_t now_ms)
{
    struct buf *out = &dead->gathered;
    size_t start = out->len;

    if (dead_letter_index_has(&dead->index, position))
        return 0;
    begin_letter(out, why, position, now_ms);
    (void)buf_puts(out, ",\"entry\":");
    (void)buf_append(out, entry.data, entry.len);
    return end_letter(out, start);
}

/* The first bytes of a run, as base64. */
static int
append_bytes(struct buf *out, int dirfd, struct spool_position position,
             uint64_t len)
{
    unsigned char text[(DEAD_LETTER_BAD_MAX + 2) / 3 * 4 + 1];
    unsigned char bytes[DEAD_LETTER_BAD_MAX];
    ssize_t n;
    int fd = spool_open_segment(dirfd, position.segment);

    if (fd < 0)
        return fd;
    n = fileio_read_at(fd, bytes, len < sizeof(bytes) ? len : sizeof(bytes),
                       position.offset);
    (void)close(fd);
    if (n < 0)
        return (int)n;
    return buf_append(out, text, (size_t)EVP_EncodeBlock(text, bytes, (int)n));
}

int
dead_letter_add_bad(struct dead_letter *dead, struct spool_position position,
                    uint64_t len, int64_t now_ms)
{
    struct buf *out = &dead->gathered;
    size_t start = out->len;
    int r;

    r = dead_letter_index_keep(&dead->index, position);
    if (r < 0 || dead_letter_index_has(&dead->index, position))
        return r;
    begin_letter(out, &(struct dead_letter_why){.reason = DEAD_LETTER_BAD},
                 position, now_ms);
    (void)buf_printf(out,
                     ",\"length\":%" PRIu64 ",\"entry\":null,\"base64\":\"",
                     len);
    r = append_bytes(out, dead->dirfd, position, len);
    (void)buf_putc(out, '"');
    if (r < 0)
        buf_truncate(out, start);
    return r < 0 ? r : end_letter(out, start);
}

/* The file is opened by its name each time: an operator may move it away. */
static int
append_gathered(struct dead_letter *dead)
{
    char name[DEAD_LETTER_NAME_SIZE];
    int64_t before;
    int fd, r;

    fd = fileio_open(dead->dirfd, dead_letter_name(dead->index.number, name),
                     O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0)
        return fd;
    before = fileio_size(fd);
    r = fileio_write_all(fd, dead->gathered.data, dead->gathered.len);
    /* A full disk takes nothing of it, again and again: the file is as it was,
     * and good. */
    if (r < 0 && before >= 0 && fileio_size(fd) == before) {
        (void)close(fd);
        return r;
    }
    if (!r)
        r = fileio_datasync(fd);
    if (!r)
        r = fileio_sync(dead->dirfd);
    (void)close(fd);
    if (r < 0)
        dead->file_failed = true;
    return r;
}

/* Return: as dead_letter_sync(), with the lines still there. */
static int
sync_gathered(struct dead_letter *dead)
{
    int lock, r;

    lock = fileio_lock(dead->dirfd, DEAD_LETTER_LOCK);
    if (lock < 0)
        return lock;
    if (dead->file_failed)
        dead->index.number++;
    dead->file_failed = false;
    r = append_gathered(dead);
    (void)close(lock);
    return r;
}

int
dead_letter_sync(struct dead_letter *dead)
{
    int r = 0;

    if (dead->index.bytes + dead->gathered.len > dead->max_size)
        r = DEAD_LETTER_FULL;
    else if (dead->gathered.len)
        r = sync_gathered(dead);
    if (!r)
        dead->index.bytes += dead->gathered.len;
    buf_shrink(&dead->gathered, 0);
    return r;
}

/* From the first on, so that no line about a letter goes before it: a letter
 * that came back would be sent, or counted, once more. */
void
dead_letter_tidy(struct dead_letter *dead, uint64_t lowest)
{
    char name[DEAD_LETTER_NAME_SIZE];

    if (dead->index.settled_segment >= lowest)
        return;
    for (unsigned number = 1; number <= dead->index.settled; number++)
        if (unlinkat(dead->dirfd, dead_letter_name(number, name), 0) < 0 &&
            errno != ENOENT)
            return;
    dead->index.settled = 0;
}

int
dead_letter_resolve(struct dead_letter *dead, struct slice lines,
                    struct spool_position from)
{
    struct dead_letter_index fresh;
    int r = buf_append(&dead->gathered, lines.data, lines.len);

    if (!r)
        r = sync_gathered(dead);
    buf_shrink(&dead->gathered, 0);
    if (r)
        return r;
    r = dead_letter_index_read(&fresh, dead->dirfd, from);
    if (r) { /* what was known holds more than there is: no harm */
        dead_letter_index_deinit(&fresh);
        return 0;
    }
    dead_letter_index_deinit(&dead->index);
    dead->index = fresh;
    return 0;
}

bool
dead_letter_keeps(const struct dead_letter *dead, uint64_t segment)
{
    return dead_letter_index_keeps(&dead->index, segment);
}

uint64_t
dead_letter_highest(const struct dead_letter *dead)
{
    const struct dead_letter_places *known = &dead->index.known;
    uint64_t highest = 0;

    for (size_t i = 0; i < known->count; i++)
        if (known->at[i].segment > highest)
            highest = known->at[i].segment;
    return highest;
}
