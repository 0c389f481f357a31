#include "shipper/ctl/ctl.h"
#include "shipper/ctl/edge.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* One row. */
struct row {
    const char *state;
    enum print_colour colour;
    uint64_t entries;
    uint64_t bytes;
    struct edge_times times;
};

static void
name_state(struct row *row, const struct walk_segment *segment,
           const struct shipped *shipped)
{
    row->state = "sealed";
    row->colour = PRINT_PLAIN;
    if (segment->state == WALK_VOID) {
        row->state = "void";
        row->colour = PRINT_WARN;
    } else if (segment->state == WALK_ACTIVE) {
        row->state = "active";
        row->colour = PRINT_GOOD;
    } else if (shipped_wholly(shipped, segment)) {
        row->state = "shipped";
        row->colour = PRINT_DIM;
    }
}

static int
look_inside(struct row *row, const struct walk *walk,
            const struct walk_segment *segment)
{
    struct walk_count count;
    int r;

    if (segment->state == WALK_VOID) {
        row->bytes = segment->size;
        return 0;
    }
    row->bytes = segment->end;
    if (walk_told(walk, segment, &row->entries))
        return edge_times(walk->dirfd, segment, &row->times);

    r = walk_count(walk->dirfd, segment, 0, segment->end, &count);
    row->entries = count.entries;
    row->times = (struct edge_times){count.first_ts, count.last_ts};
    return r;
}

static void
print_json(const struct row *row, uint64_t number)
{
    char name[SPOOL_NAME_SIZE], first[PRINT_SIZE], last[PRINT_SIZE];

    printf("{\"segment\":\"%s\",\"state\":\"%s\",\"entries\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"first\":%s,\"last\":%s}\n",
           spool_name(number, name), row->state, row->entries, row->bytes,
           print_time_json(row->times.first, first),
           print_time_json(row->times.last, last));
}

static void
print_row(const struct row *row, uint64_t number, bool terminal)
{
    char name[SPOOL_NAME_SIZE], first[PRINT_SIZE], last[PRINT_SIZE];
    char bytes[PRINT_SIZE];

    if (terminal)
        (void)print_bytes(row->bytes, bytes);
    else
        (void)snprintf(bytes, sizeof(bytes), "%" PRIu64, row->bytes);
    printf("%s  %s%-7s%s %10" PRIu64 " %11s  %-24s  %s\n",
           spool_name(number, name), print_colour(row->colour), row->state,
           print_end(), row->entries, bytes,
           print_time(row->times.first, first),
           print_time(row->times.last, last));
}

static int
list(const struct ctl *ctl, const struct walk *walk,
     const struct shipped *shipped)
{
    bool terminal = isatty(STDOUT_FILENO);

    if (terminal && !ctl->json)
        printf("%-27s  %-7s %10s %11s  %-24s  %s\n", "SEGMENT", "STATE",
               "ENTRIES", "BYTES", "FIRST", "LAST");
    for (size_t i = 0; i < walk->count; i++) {
        const struct walk_segment *segment = &walk->segments[i];
        struct row row = {0};
        int r = look_inside(&row, walk, segment);

        if (r == -ENOENT)
            continue; /* shipped and removed meanwhile */
        if (r < 0)
            return ctl_fail(ctl, "a segment cannot be read", r);
        name_state(&row, segment, shipped);
        if (ctl->json)
            print_json(&row, segment->number);
        else
            print_row(&row, segment->number, terminal);
    }
    return CTL_OK;
}

static int
ls_run(struct ctl *ctl, int argc, char **argv)
{
    struct shipped shipped;
    struct walk walk;
    int code, r;

    code = ctl_options(ctl, &command_ls, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (!code)
        code = shipped_read(&shipped, ctl);
    if (code)
        return code;

    shipped_warn(&shipped);
    r = walk_open(&walk, ctl->dirfd);
    code = r ? ctl_fail(ctl, "the segments cannot be read", r)
             : list(ctl, &walk, &shipped);
    walk_close(&walk);
    shipped_deinit(&shipped);
    return code;
}

const struct command command_ls = {
    .name = "ls",
    .arguments = "",
    .about = "The segments: state, entries, bytes, first and last time",
    .help =
        "States: active (the highest), sealed, shipped (nothing of it is left "
        "to ship),\nvoid (holds nothing). Bytes are those that were "
        "acknowledged. Where the output\nis no terminal there is no head "
        "line, and bytes are exact.\n",
    .run = ls_run,
};
