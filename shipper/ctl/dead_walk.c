#include "shipper/ctl/dead_walk.h"

#include "shipper/ctl/ctl.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/dead_letter_read.h"

#include <stdio.h>

int
dead_walk_options(struct dead_walk *walk, struct ctl *ctl,
                  const struct command *command, int argc, char **argv)
{
    static const struct option known[] = {
        DEAD_WALK_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    int c, code;

    filter_init(&walk->filter);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == DEAD_WALK_ALL) {
            walk->all = true;
            continue;
        }
        code = ctl_filter_option(ctl, command, &walk->filter, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(command, "%s: no arguments are taken", argv[optind]);
    return -1;
}

/* A torn end is what a crash leaves: what it would have held was written
 * again, in the next file. */
static void
tell_wrong(void *owner, const struct letter_line *line)
{
    char name[DEAD_LETTER_NAME_SIZE];
    bool *corrupt = owner;

    *corrupt |= line->kind != LETTER_LINE_TORN;
    fprintf(stderr, "clickspoolctl: %s:%u: %s\n",
            dead_letter_name(line->file, name), (unsigned)line->number,
            line->wrong);
}

static bool
is_wanted(const struct dead_walk *walk, const struct letter *letter,
          const struct letter_line *line)
{
    if (letter->state != LETTER_DEAD && !walk->all)
        return false;
    if (filter_is_open(&walk->filter))
        return true;
    return line->kind == LETTER_LINE_ENTRY &&
           filter_takes_time(&walk->filter, letter_line_ts(line)) &&
           filter_agrees(&walk->filter, line->entry);
}

static int
walk_letters(const struct dead_walk *walk, const struct letter_index *index,
             int dirfd)
{
    struct letter_reader reader;
    struct letter_line line;
    int r;

    r = letter_reader_init(&reader, dirfd);
    while (!r && !ferror(stdout)) { /* main() tells */
        const struct letter *letter;

        r = letter_reader_next(&reader, &line);
        if (r <= 0)
            break;
        r = 0;
        letter = letter_index_find(index, &line);
        if (letter && is_wanted(walk, letter, &line))
            walk->each(walk->owner, letter, &line);
    }
    letter_reader_deinit(&reader);
    return r;
}

int
dead_walk(const struct dead_walk *walk, struct ctl *ctl)
{
    struct letter_index index;
    bool corrupt = false;
    int code, r;

    code = ctl->opened ? CTL_OK : ctl_open(ctl);
    if (code)
        return code;
    r = letter_index_read(&index, ctl->dirfd, tell_wrong, &corrupt);
    if (!r)
        r = walk_letters(walk, &index, ctl->dirfd);
    letter_index_deinit(&index);
    if (r)
        return ctl_fail(ctl, "the dead letters cannot be read", r);
    return corrupt ? CTL_CORRUPT : CTL_OK;
}
