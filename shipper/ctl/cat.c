#include "shipper/ctl/ctl.h"
#include "shipper/ctl/edge.h"
#include "shipper/ctl/emit.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/place.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int
parse(struct ctl *ctl, struct filter *filter, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        FILTER_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    int c, code;

    filter_init(filter);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = ctl_filter_option(ctl, &command_cat, filter, c);
        if (code >= 0)
            return code;
    }
    return -1;
}

static int
cat_segment(struct emit *emit, int dirfd, const struct walk_segment *segment)
{
    struct walk_lines lines;
    int r;

    if (segment->state == WALK_VOID)
        return 0;
    if (edge_outside(dirfd, segment, emit->filter)) {
        progress_add(emit->progress, segment->end);
        return 0;
    }
    r = walk_lines_open(&lines, dirfd, segment, 0, segment->end);
    if (r < 0)
        return r;
    r = emit_lines(emit, &lines.reader);
    walk_lines_close(&lines);
    return r;
}

static int
cat_named(const struct ctl *ctl, const struct walk *walk, struct emit *emit,
          char **names, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t number = place_segment(names[i]);
        const struct walk_segment *segment;
        int r;

        if (!number)
            return ctl_usage(&command_cat, "%s: not the name of a segment",
                             names[i]);
        segment = walk_find(walk, number);
        r = segment ? cat_segment(emit, ctl->dirfd, segment) : -ENOENT;
        if (r < 0)
            return ctl_fail(ctl, names[i], r);
    }
    return CTL_OK;
}

static int
cat_all(const struct ctl *ctl, const struct walk *walk, struct emit *emit)
{
    for (size_t i = 0; i < walk->count; i++) {
        char name[SPOOL_NAME_SIZE];
        int r = cat_segment(emit, ctl->dirfd, &walk->segments[i]);

        /* Shipped segments may be removed while others are read. */
        if (r < 0 && r != -ENOENT)
            return ctl_fail(ctl, spool_name(walk->segments[i].number, name), r);
    }
    return CTL_OK;
}

static int
cat_run(struct ctl *ctl, int argc, char **argv)
{
    struct progress progress;
    struct filter filter;
    struct emit emit = {.filter = &filter, .progress = &progress};
    struct walk walk;
    int code, r;

    code = parse(ctl, &filter, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (code)
        return code;
    r = walk_open(&walk, ctl->dirfd);
    if (r)
        return ctl_fail(ctl, "the segments cannot be read", r);

    emit.json = ctl->json;
    progress_init(&progress, "cat",
                  walk_bytes(&walk, (struct spool_position){0}),
                  optind == argc && !isatty(STDOUT_FILENO));
    code = optind < argc
               ? cat_named(ctl, &walk, &emit, argv + optind, argc - optind)
               : cat_all(ctl, &walk, &emit);
    progress_wipe(&progress);
    emit_end(&emit);
    walk_close(&walk);
    return code;
}

const struct command command_cat = {
    .name = "cat",
    .arguments = "[FILTER]... [SEGMENT]...",
    .about = "All entries, or those of some segments, one a line",
    .help = FILTER_HELP,
    .run = cat_run,
};
