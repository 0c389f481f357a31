#include "ingest/last_entries.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"
#include "common/line.h"
#include "common/spool.h"
#include "common/synced.h"
#include "common/timefmt.h"
#include "ingest/scan.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look {
    struct buf *out;
    const struct last_entries_wish *wish;
    char *bytes; /* LAST_ENTRIES_BYTES of them */
    size_t left; /* of these that may still be read */
    size_t found, looked;
    int64_t oldest_ms;
};

static bool
is_open(const struct last_entries_wish *wish)
{
    return !wish->event.data && !wish->category.data && !wish->client.data &&
           !wish->session.data;
}

static bool
agrees(const struct last_entries_wish *wish, struct slice line)
{
    const struct {
        const char *name;
        struct slice want;
    } conditions[] = {
        {"eventName", wish->event},
        {"logCategory", wish->category},
        {"clientId", wish->client},
        {"sessionId", wish->session},
    };
    enum { CONDITIONS = sizeof(conditions) / sizeof(*conditions) };
    unsigned open = 0;
    struct scan_value value;
    struct slice name;
    struct scan scan;
    bool escaped;

    for (unsigned i = 0; i < CONDITIONS; i++)
        open |= (unsigned)(conditions[i].want.data != NULL) << i;
    if (scan_open(&scan, line) != SCAN_FOUND || !scan.object)
        return false;
    while (open && scan_next(&scan, &name, &escaped, &value) == SCAN_FOUND)
        for (unsigned i = 0; i < CONDITIONS; i++)
            if (open >> i & 1 && value.kind == SCAN_STRING &&
                slice_is(name, conditions[i].name) &&
                slice_equal(scan_text(&value), conditions[i].want))
                open &= ~(1u << i);
    return !open;
}

static void
take_line(struct look *look, struct slice line)
{
    if (!line_ok(line.data, line.len) || line_is_control(line.data, line.len))
        return;
    look->looked++;
    look->oldest_ms = line_ts(line.data);
    if (!is_open(look->wish) && !agrees(look->wish, line))
        return;
    if (look->found++)
        (void)buf_putc(look->out, ',');
    (void)buf_append(look->out, line.data, line.len - 1);
}

/* The lines of a chunk that ends behind one, from the last on. */
static void
take_lines(struct look *look, size_t len)
{
    while (len && look->found < look->wish->most) {
        char *before = memrchr(look->bytes, '\n', len - 1);
        size_t at = before ? (size_t)(before - look->bytes) + 1 : 0;

        take_line(look, (struct slice){look->bytes + at, len - at});
        len = at;
    }
}

/*
 * One segment, back from *@place.
 *
 * Return: whether there is more to look at, which *@place then names.
 */
static bool
look_at_segment(struct look *look, int dirfd, struct spool_position *place)
{
    struct spool_control control = {0};
    int fd = spool_open_segment(dirfd, place->segment);
    uint64_t from = 0;
    ssize_t n = -1;
    size_t len;

    if (fd < 0)
        return false;
    if (spool_control_read(fd, &control) == 0 && place->offset > control.len) {
        len = place->offset - control.len < look->left
                  ? (size_t)(place->offset - control.len)
                  : look->left;
        from = place->offset - len;
        n = fileio_read_at(fd, look->bytes, len, from);
        look->left -= len;
    }
    (void)close(fd);
    if (n > 0)
        take_lines(look, (size_t)n);
    if (from > control.len) {
        place->offset = from;
        return true;
    }
    *place = (struct spool_position){control.prev, control.prev_end};
    return control.prev != 0;
}

static bool
look_back(struct look *look, int dirfd, const struct synced *synced)
{
    struct spool_position place;
    bool more = synced_read(synced, &place);

    for (int i = 0; more && i < LAST_ENTRIES_SEGMENTS && look->left &&
                    look->found < look->wish->most;
         i++)
        more = look_at_segment(look, dirfd, &place);
    return !more && look->found < look->wish->most;
}

void
last_entries_write(struct buf *out, int dirfd, const struct synced *synced,
                   const struct last_entries_wish *wish)
{
    struct look look = {
        .out = out,
        .wish = wish,
        .bytes = malloc(LAST_ENTRIES_BYTES),
        .left = LAST_ENTRIES_BYTES,
    };
    char oldest[TIMEFMT_SIZE];
    bool whole = false;

    (void)buf_puts(out, "{\"entries\":[");
    if (look.bytes)
        whole = look_back(&look, dirfd, synced);
    free(look.bytes);
    (void)buf_printf(out, "],\"looked\":%zu,\"oldest\":", look.looked);
    if (look.looked)
        timefmt_rfc3339(oldest, look.oldest_ms);
    json_string(out, look.looked ? oldest : NULL);
    (void)buf_printf(out, ",\"whole\":%s}\n", whole ? "true" : "false");
}
