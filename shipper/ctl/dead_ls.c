#include "shipper/ctl/ctl.h"
#include "shipper/ctl/dead.h"
#include "shipper/ctl/dead_walk.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/ctl/pretty.h"
#include "shipper/ctl/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    PLACE_WIDTH = SPOOL_NAME_LEN + 10,
    TIME_WIDTH = 24,
    REASON_WIDTH = 9,
    CODE_WIDTH = 25,
    STATE_WIDTH = 7,
    WHAT_WIDTH = 17,
};

struct listing {
    const struct ctl *ctl;
    bool all, head;
    uint64_t dead;
};

/* The value of a member, or no value. */
static struct slice
member(struct slice object, struct slice name)
{
    struct slice value = {NULL, 0};

    return object.len && jsonscan_member(object, name, &value)
               ? value
               : (struct slice){NULL, 0};
}

static void
print_member(const char *name, struct slice value)
{
    printf(",\"%s\":%.*s", name, value.data ? (int)value.len : 4,
           value.data ? value.data : "null");
}

static void
print_json(const struct letter *letter, const struct letter_line *line)
{
    char segment[SPOOL_NAME_SIZE];

    (void)spool_name(letter->position.segment, segment);
    printf("{\"name\":\"%s:%" PRIu64 "\",\"state\":\"%s\"", segment,
           letter->position.offset, letter_state_name(letter->state));
    print_member("reason", member(line->text, SLICE("reason")));
    print_member("code", member(line->text, SLICE("code")));
    print_member("message", member(line->text, SLICE("message")));
    print_member("failedAt", member(line->text, SLICE("failedAt")));
    printf(",\"segment\":\"%s\",\"offset\":%" PRIu64, segment,
           letter->position.offset);
    print_member("length", member(line->text, SLICE("length")));
    print_member("eventName", member(line->entry, SLICE("eventName")));
    print_member("action", member(line->entry, SLICE("action")));
    print_member("eventId", member(line->entry, SLICE("eventId")));
    puts("}");
}

static void
print_head(const struct listing *listing)
{
    printf("%-*s  %-*s  %-*s  %-*s  ", PLACE_WIDTH, "NAME", TIME_WIDTH,
           "FAILED", REASON_WIDTH, "REASON", CODE_WIDTH, "CODE");
    if (listing->all)
        printf("%-*s  ", STATE_WIDTH, "STATE");
    printf("%-*s  %s\n", WHAT_WIDTH, "ENTRY", "EVENTID");
}

static void
print_what(const struct letter_line *line)
{
    struct slice what = member(line->entry, SLICE("eventName"));
    struct slice length = member(line->text, SLICE("length"));
    char bytes[PRINT_SIZE];

    if (line->kind == LETTER_LINE_RUN && length.data) {
        int n = snprintf(bytes, sizeof(bytes), "%.*s bytes",
                         length.len < 20 ? (int)length.len : 20, length.data);

        what = (struct slice){bytes, (size_t)n};
    } else if (!what.data || slice_is(what, "null")) {
        what = member(line->entry, SLICE("action"));
    }
    pretty_cell(what, WHAT_WIDTH);
    fputs("  ", stdout);
}

static void
print_row(const struct listing *listing, const struct letter *letter,
          const struct letter_line *line)
{
    char segment[SPOOL_NAME_SIZE];
    int n;

    n = printf("%s:%" PRIu64, spool_name(letter->position.segment, segment),
               letter->position.offset);
    printf("%*s  ", n < PLACE_WIDTH ? PLACE_WIDTH - n : 0, "");
    pretty_cell(member(line->text, SLICE("failedAt")), TIME_WIDTH);
    fputs("  ", stdout);
    pretty_cell(member(line->text, SLICE("reason")), REASON_WIDTH);
    fputs("  ", stdout);
    pretty_cell(member(line->text, SLICE("code")), CODE_WIDTH);
    fputs("  ", stdout);
    if (listing->all)
        printf("%s%-*s%s  ",
               print_colour(letter->state == LETTER_DEAD ? PRINT_BAD
                                                         : PRINT_DIM),
               STATE_WIDTH, letter_state_name(letter->state), print_end());
    print_what(line);
    pretty_cell(member(line->entry, SLICE("eventId")), 0);
    putchar('\n');
}

static void
list_one(void *owner, const struct letter *letter,
         const struct letter_line *line)
{
    struct listing *listing = owner;

    listing->dead += letter->state == LETTER_DEAD;
    if (listing->ctl->json) {
        print_json(letter, line);
        return;
    }
    if (listing->head)
        print_head(listing);
    listing->head = false;
    print_row(listing, letter, line);
}

static int
dead_ls_run(struct ctl *ctl, int argc, char **argv)
{
    struct listing listing = {.ctl = ctl};
    struct dead_walk walk = {.each = list_one, .owner = &listing};
    int code;

    code = dead_walk_options(&walk, ctl, &command_dead_ls, argc, argv);
    if (code >= 0)
        return code;
    listing.all = walk.all;
    listing.head = isatty(STDOUT_FILENO);
    code = dead_walk(&walk, ctl);
    return code || !listing.dead ? code : CTL_FINDINGS;
}

const struct command command_dead_ls = {
    .name = "dead ls",
    .arguments = "[--all] [FILTER]...",
    .about = "The dead letters that nobody has resolved",
    .help = DEAD_WALK_HELP
    "\n"
    "Exit code 1 where one is listed that is dead, 5 where a line of the "
    "files is no\nletter: stderr says which.\n",
    .run = dead_ls_run,
};
