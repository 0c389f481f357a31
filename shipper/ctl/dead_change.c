#include "common/checkpoint.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/dead.h"
#include "shipper/ctl/dead_name.h"
#include "shipper/ctl/dead_walk.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/jsonvalue.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/ctl/wish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * `dead retry` and `dead drop`: the letters that are meant are written down as
 * a wish, and shipper resolves them.
 */
enum { OPTION_EVERY = FILTER_OPTION_NEXT, OPTION_DRY };

struct change {
    struct ctl *ctl;
    bool drop, every, dry;
    char **names;
    int name_count;
    struct wish wish;
    struct checkpoint checkpoint;
    uint64_t letters, too_long, early;
    bool more; /* than one wish may hold */
    int error;
};

/* CloudWatch refused it for its age, so it would again. */
static bool
is_aged(const struct letter_line *line)
{
    struct slice reason;

    return jsonscan_member(line->text, SLICE("reason"), &reason) &&
           (jsonvalue_equals(reason, SLICE("too_old")) ||
            jsonvalue_equals(reason, SLICE("expired")));
}

static bool
is_named(const struct change *change, const struct letter *letter,
         const struct letter_line *line)
{
    for (int i = 0; i < change->name_count; i++)
        if (dead_name_is(change->names[i], letter, line))
            return true;
    return !change->name_count;
}

/* Its batch is on its way as long as the checkpoint has not passed it: an
 * entry of it is not sent twice at once. */
static bool
is_passed(const struct change *change, struct spool_position position)
{
    const struct checkpoint *checkpoint = &change->checkpoint;

    return spool_position_compare(position, spool_is_retry(position.segment)
                                                ? checkpoint->retry
                                                : checkpoint->position) < 0;
}

static void
take_one(void *owner, const struct letter *letter,
         const struct letter_line *line)
{
    struct change *change = owner;
    bool run = line->kind == LETTER_LINE_RUN;
    int r = 0;

    if (change->error || !is_named(change, letter, line) ||
        (run && !change->drop))
        return;
    if (!change->drop && !is_passed(change, letter->position)) {
        change->early++;
        return;
    }
    change->more |= change->letters == WISH_LETTERS_MAX;
    if (change->letters == WISH_LETTERS_MAX)
        return;
    if (!change->drop && !change->dry)
        r = wish_add(&change->wish, line->entry, is_aged(line));
    if (r == -E2BIG) {
        change->too_long++;
        return;
    }
    if (!r && !change->dry)
        r = wish_resolve(&change->wish, letter->position,
                         change->drop ? "dropped" : "retried", run);
    change->error = r;
    change->letters += !r;
}

static void
tell(const struct change *change)
{
    const char *what = change->drop ? "dropped" : "sent again";
    char name[SPOOL_NAME_SIZE] = "";

    if (change->wish.number && !change->drop)
        (void)spool_name(SPOOL_RETRY_BASE + change->wish.number, name);
    if (change->ctl->json)
        printf("{\"letters\":%" PRIu64 ",\"dryRun\":%s,\"file\":%s%s%s}\n",
               change->letters, change->dry ? "true" : "false",
               *name ? "\"" : "", *name ? name : "null", *name ? "\"" : "");
    else if (!change->letters)
        puts("no dead letter is meant");
    else
        printf("%" PRIu64 " dead letter%s %s %s%s%s\n", change->letters,
               change->letters == 1 ? "" : "s",
               change->dry            ? "would be"
               : !change->drop        ? "will be"
               : change->letters == 1 ? "is"
                                      : "are",
               what, *name ? ": " : "", name);
    if (change->too_long)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " stay: with a time added they "
                "would be too long\n",
                change->too_long);
    if (change->early)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " stay for the moment: their batches "
                "are not done with\n",
                change->early);
    if (change->more)
        fputs("clickspoolctl: there are more: run it again\n", stderr);
}

static int
parse(struct change *change, struct dead_walk *walk,
      const struct command *command, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        FILTER_OPTIONS,
        {"every", no_argument, NULL, OPTION_EVERY},
        {"dry-run", no_argument, NULL, OPTION_DRY},
        {NULL, 0, NULL, 0},
    };
    int c, code;

    filter_init(&walk->filter);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_EVERY || c == OPTION_DRY) {
            *(c == OPTION_DRY ? &change->dry : &change->every) = true;
            continue;
        }
        code = ctl_filter_option(change->ctl, command, &walk->filter, c);
        if (code >= 0)
            return code;
    }
    change->names = argv + optind;
    change->name_count = argc - optind;
    for (int i = 0; i < change->name_count; i++)
        if (!dead_name_ok(change->names[i]))
            return ctl_usage(command,
                             "%s: neither SEGMENT:OFFSET nor an eventId",
                             change->names[i]);
    if (change->every + (change->name_count > 0) +
            !filter_is_open(&walk->filter) !=
        1)
        return ctl_usage(command, "give NAMEs, or filters, or --every");
    return -1;
}

static int
run(struct ctl *ctl, const struct command *command, bool drop, int argc,
    char **argv)
{
    struct change change = {.ctl = ctl, .drop = drop};
    struct dead_walk walk = {.each = take_one, .owner = &change};
    int code = parse(&change, &walk, command, argc, argv);

    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (!code)
        (void)checkpoint_read(&change.checkpoint, ctl->dirfd);
    if (!code && !change.dry)
        code = wish_open(&change.wish, ctl);
    if (!code && !change.dry && !drop)
        change.error = wish_begin_lines(&change.wish, SPOOL_LETTERS, 0);
    if (!code)
        code = dead_walk(&walk, ctl);
    if ((!code || code == CTL_CORRUPT) && change.error)
        code = ctl_fail(ctl, SPOOL_RETRY, change.error);
    if ((!code || code == CTL_CORRUPT) && !change.dry && change.letters)
        code = wish_send(&change.wish);
    if (!code)
        tell(&change);
    if (!change.dry)
        wish_close(&change.wish);
    checkpoint_deinit(&change.checkpoint);
    if (code)
        return code;
    return change.more || change.too_long || change.early ? CTL_FINDINGS
                                                          : CTL_OK;
}

static int
retry_run(struct ctl *ctl, int argc, char **argv)
{
    return run(ctl, &command_dead_retry, false, argc, argv);
}

static int
drop_run(struct ctl *ctl, int argc, char **argv)
{
    return run(ctl, &command_dead_drop, true, argc, argv);
}

#define CHANGE_HELP                                                            \
    "  --every           all of them\n"                                        \
    "  --dry-run         only count them\n" FILTER_HELP "\n"

const struct command command_dead_retry = {
    .name = "dead retry",
    .arguments = "[--dry-run] NAME... | FILTER... | --every",
    .about = "Have a running shipper send dead letters once more",
    .help = CHANGE_HELP
    "Entries that were refused for their age get the present time, and\n"
    "receivedAt tells the first one; all others are sent as they are. A run "
    "of\nbad bytes cannot be sent.\n",
    .run = retry_run,
};

const struct command command_dead_drop = {
    .name = "dead drop",
    .arguments = "[--dry-run] NAME... | FILTER... | --every",
    .about = "Give up dead letters for good",
    .help = CHANGE_HELP
    "They stay in the files, and audit counts them as dropped. A run of bad "
    "bytes\nholds its segment until it is dropped: by NAME, or with "
    "--every.\n",
    .run = drop_run,
};
