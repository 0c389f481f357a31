#include "tests/unit/scratch.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/line.h"
#include "tests/check.h"

#include <fcntl.h>
#include <unistd.h>

void
scratch_open(struct scratch *scratch)
{
    *scratch = (struct scratch){.dir = "/tmp/clickspool-unit-XXXXXX"};
    CHECK(mkdtemp(scratch->dir));
    scratch->dirfd = open(scratch->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(scratch->dirfd >= 0);
}

void
scratch_close(struct scratch *scratch)
{
    char command[128];

    (void)close(scratch->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", scratch->dir);
    CHECK(system(command) == 0);
}

void
scratch_put(const struct scratch *scratch, const char *name, const void *bytes,
            size_t len)
{
    int fd = openat(scratch->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0660);

    CHECK(fd >= 0);
    if (len)
        CHECK_INT(write(fd, bytes, len), len);
    CHECK(!close(fd));
}

void
scratch_put_segment(const struct scratch *scratch, uint64_t number,
                    const void *bytes, size_t len)
{
    char name[SPOOL_NAME_SIZE];

    scratch_put(scratch, spool_name(number, name), bytes, len);
}

const char *
scratch_get(const struct scratch *scratch, const char *name)
{
    static char text[64 * 1024];
    int fd = openat(scratch->dirfd, name, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read(fd, text, sizeof(text) - 1);
    CHECK(n >= 0 && !close(fd));
    text[n] = '\0';
    return text;
}

void
scratch_line(struct buf *out, unsigned id, int64_t ts)
{
    size_t from = out->len;

    (void)buf_printf(out,
                     LINE_PREFIX "\"eventId\":\"00000000-0000-7000-8000-"
                                 "%012u\",\"a\":1}\n",
                     id);
    CHECK(!out->failed);
    line_seal(out->data + from, out->len - from, ts);
}

unsigned
scratch_id(const char *line)
{
    return (unsigned)strtoul(line + LINE_ID_AT + 24, NULL, 10);
}

void
scratch_control(struct buf *out, uint64_t prev, uint64_t prev_end,
                uint64_t entries, int64_t ts)
{
    struct spool_control control = {
        .ts = ts, .prev = prev, .prev_end = prev_end, .entries = entries};

    CHECK(!spool_control_write(out, &control));
}
