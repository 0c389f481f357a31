#include "shipper/ctl/ctl.h"
#include "shipper/ctl/dead.h"
#include "shipper/ctl/dead_walk.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"

#include <inttypes.h>
#include <stdio.h>

static void
export_one(void *owner, const struct letter *letter,
           const struct letter_line *line)
{
    char segment[SPOOL_NAME_SIZE];

    (void)owner;
    if (line->kind == LETTER_LINE_ENTRY) {
        (void)fwrite(line->entry.data, 1, line->entry.len, stdout);
        putchar('\n');
        return;
    }
    fprintf(stderr,
            "clickspoolctl: %s:%" PRIu64
            ": a run of bad bytes, which is no entry; clickspoolctl dead show "
            "tells more\n",
            spool_name(letter->position.segment, segment),
            letter->position.offset);
}

static int
dead_export_run(struct ctl *ctl, int argc, char **argv)
{
    struct dead_walk walk = {.each = export_one};
    int code;

    code = dead_walk_options(&walk, ctl, &command_dead_export, argc, argv);
    return code >= 0 ? code : dead_walk(&walk, ctl);
}

const struct command command_dead_export = {
    .name = "dead export",
    .arguments = "[--all] [FILTER]...",
    .about = "The entries of the dead letters, verbatim, one a line",
    .help = DEAD_WALK_HELP
    "\n"
    "Runs of bad bytes are told on stderr. The letters stay what they "
    "are.\n",
    .run = dead_export_run,
};
