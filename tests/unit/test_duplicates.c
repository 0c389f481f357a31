/*
 * Every eventId that comes again is found, with both places, in however many
 * readings a small table takes.
 */
#include "common/buf.h"
#include "common/fileio.h"
#include "common/line.h"
#include "shipper/ctl/duplicates.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/walk.h"
#include "tests/check.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    ENTRIES = 1000,
    AGAIN = 7, /* every seventh of the first segment comes again */
    TABLE_BYTES = 4096, /* 256 ids, so three quarters full: 11 readings */
    LINE_BYTES = LINE_ID_AT + LINE_ID_LEN + 3,
};

static unsigned found;
static uint64_t first_line; /* where the first segment's entries begin */

static void
add_entry(struct buf *text, unsigned number, bool capitals)
{
    char line[LINE_BYTES + 1];
    int n = snprintf(line, sizeof(line),
                     capitals
                         ? LINE_PREFIX
                         "\"eventId\":\"%08X-0000-4000-8000-ABCDEF012345\"}\n"
                         : LINE_PREFIX
                         "\"eventId\":\"%08x-0000-4000-8000-abcdef012345\"}\n",
                     number);

    CHECK_INT(n, LINE_BYTES);
    line_seal(line, (size_t)n, 1000);
    CHECK(!buf_append(text, line, (size_t)n));
}

static uint64_t
write_segments(int dirfd)
{
    struct spool_control control = {.ts = 1000};
    uint64_t total = 0;

    for (unsigned segment = 1; segment <= 2; segment++) {
        char name[SPOOL_NAME_SIZE];
        struct buf text;
        int fd;

        buf_init(&text, 1 << 20);
        CHECK(!spool_control_write(&text, &control));
        if (segment == 1)
            first_line = text.len;
        for (unsigned i = 0; i < ENTRIES; i++, total++)
            if (segment == 1)
                add_entry(&text, i, false);
            else
                add_entry(&text, i % AGAIN ? ENTRIES + i : i, true);
        fd = fileio_open(dirfd, spool_name(segment, name),
                         O_WRONLY | O_CREAT | O_TRUNC);
        CHECK(fd >= 0 && !fileio_write_all(fd, text.data, text.len));
        (void)close(fd);
        control = (struct spool_control){
            .ts = 1000, .prev = 1, .prev_end = text.len, .entries = ENTRIES};
        buf_deinit(&text);
    }
    return total;
}

static void
on_found(void *owner, const struct duplicate *one)
{
    bool *seen = owner;
    uint64_t number = strtoull(one->event_id, NULL, 16);

    CHECK(number < ENTRIES && number % AGAIN == 0 && !seen[number]);
    seen[number] = true;
    CHECK_INT(one->first.segment, 1);
    CHECK_INT(one->first.offset, first_line + number * LINE_BYTES);
    CHECK_INT(one->again.segment, 2);
    found++;
}

static void
every_duplicate_is_found_once(int dirfd, uint64_t entries, size_t table_bytes)
{
    bool seen[ENTRIES] = {false};
    struct progress progress;
    struct walk walk;

    progress_init(&progress, "test", 0, false);
    found = 0;
    CHECK(!walk_open(&walk, dirfd));
    CHECK(!duplicates_find(&walk, entries, table_bytes, &progress, on_found,
                           seen));
    walk_close(&walk);
    CHECK_INT(found, (ENTRIES + AGAIN - 1) / AGAIN);
}

int
main(void)
{
    char dir[] = "/tmp/clickspool-duplicates-XXXXXX", command[64];
    uint64_t entries;
    int dirfd;

    CHECK(mkdtemp(dir));
    dirfd = fileio_open_dir(dir);
    CHECK(dirfd >= 0);
    entries = write_segments(dirfd);
    CHECK_INT(duplicates_passes(entries, TABLE_BYTES), 11);
    every_duplicate_is_found_once(dirfd, entries, TABLE_BYTES);
    every_duplicate_is_found_once(dirfd, entries, DUPLICATES_TABLE_BYTES);
    (void)close(dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK(system(command) == 0);
    return 0;
}
