#include "shipper/ctl/ctl.h"
#include "shipper/ctl/dead.h"
#include "shipper/ctl/dead_name.h"
#include "shipper/ctl/dead_walk.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/ctl/pretty.h"
#include "shipper/ctl/print.h"
#include "shipper/dead_letter.h"
#include "shipper/dead_letter_read.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
    MARGIN = 4,
    BASE64_MAX = (DEAD_LETTER_BAD_MAX + 2) / 3 * 4,
};

struct showing {
    const struct ctl *ctl;
    const char *name;
    uint64_t found;
};

static void
print_json(const struct letter *letter, const struct letter_line *line)
{
    char segment[SPOOL_NAME_SIZE], file[DEAD_LETTER_NAME_SIZE];

    printf("{\"name\":\"%s:%" PRIu64 "\",\"state\":\"%s\",\"file\":\"%s\","
           "\"line\":%u,\"letter\":%.*s}\n",
           spool_name(letter->position.segment, segment),
           letter->position.offset, letter_state_name(letter->state),
           dead_letter_name(line->file, file), (unsigned)line->number,
           (int)line->text.len, line->text.data);
}

static void
label(const char *name)
{
    printf("  %-9s ", name);
}

static void
print_member(const char *name, const struct letter_line *line,
             struct slice member)
{
    struct slice value;

    if (!jsonscan_member(line->text, member, &value) || slice_is(value, "null"))
        return;
    label(name);
    pretty_cell(value, 0);
    putchar('\n');
}

/* Whatever is no base64 of ours is shown as it stands there. */
static void
print_run(const struct letter_line *line, uint64_t offset)
{
    unsigned char bytes[BASE64_MAX];
    struct slice text;
    int n = -1;

    if (!jsonscan_member(line->text, SLICE("base64"), &text) || text.len < 2)
        return;
    text = (struct slice){text.data + 1, text.len - 2};
    if (text.len <= BASE64_MAX && text.len % 4 == 0)
        n = EVP_DecodeBlock(bytes, (const unsigned char *)text.data,
                            (int)text.len);
    printf("  bytes\n%*s", MARGIN, "");
    /* The padding was decoded as zeros. */
    while (n > 0 && text.len && text.data[text.len - 1] == '=')
        n--, text.len--;
    if (n >= 0)
        pretty_hex(bytes, (size_t)n, offset, MARGIN);
    else
        pretty_json(text, MARGIN);
    putchar('\n');
}

static void
print_text(const struct letter *letter, const struct letter_line *line)
{
    char text[PRINT_SIZE], segment[SPOOL_NAME_SIZE];
    char file[DEAD_LETTER_NAME_SIZE];
    int64_t ts = letter_line_ts(line);

    printf("%s:%" PRIu64 "\n", spool_name(letter->position.segment, segment),
           letter->position.offset);
    label("state");
    printf("%s%s%s\n",
           print_colour(letter->state == LETTER_DEAD ? PRINT_BAD : PRINT_DIM),
           letter_state_name(letter->state), print_end());
    print_member("reason", line, SLICE("reason"));
    print_member("code", line, SLICE("code"));
    print_member("message", line, SLICE("message"));
    print_member("failed", line, SLICE("failedAt"));
    if (ts >= 0) {
        label("received");
        puts(print_time(ts, text));
    }
    label("stands in");
    printf("%s:%u\n", dead_letter_name(line->file, file),
           (unsigned)line->number);
    print_member("length", line, SLICE("length"));
    if (line->kind == LETTER_LINE_RUN) {
        print_run(line, letter->position.offset);
        return;
    }
    printf("  entry\n%*s", MARGIN, "");
    pretty_json(line->entry, MARGIN);
    putchar('\n');
}

static void
show_one(void *owner, const struct letter *letter,
         const struct letter_line *line)
{
    struct showing *showing = owner;

    if (!dead_name_is(showing->name, letter, line))
        return;
    if (showing->ctl->json)
        print_json(letter, line);
    else
        print_text(letter, line);
    showing->found++;
}

static int
parse(struct ctl *ctl, struct showing *showing, int argc, char **argv)
{
    static const struct option known[] = {CTL_OPTIONS, {NULL, 0, NULL, 0}};
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = ctl_option(ctl, &command_dead_show, c);
        if (code >= 0)
            return code;
    }
    if (optind + 1 != argc)
        return ctl_usage(&command_dead_show, "one NAME is needed");
    showing->name = argv[optind];
    if (!dead_name_ok(showing->name))
        return ctl_usage(&command_dead_show,
                         "%s: neither SEGMENT:OFFSET nor an eventId",
                         showing->name);
    return -1;
}

static int
dead_show_run(struct ctl *ctl, int argc, char **argv)
{
    struct showing showing = {.ctl = ctl};
    struct dead_walk walk = {
        .all = true,
        .each = show_one,
        .owner = &showing,
    };
    int code;

    code = parse(ctl, &showing, argc, argv);
    if (code >= 0)
        return code;
    filter_init(&walk.filter);
    code = dead_walk(&walk, ctl);
    if (showing.found || (code && code != CTL_CORRUPT))
        return code;
    fprintf(stderr, "clickspoolctl: %s: no dead letter of that name\n",
            showing.name);
    return code ? code : CTL_UNREACHABLE;
}

const struct command command_dead_show = {
    .name = "dead show",
    .arguments = "NAME",
    .about = "One dead letter, whole",
    .help = "NAME is SEGMENT:OFFSET as dead ls prints it (the segment may be "
            "short, 41:1234),\nor an eventId: then all letters that have it "
            "are shown. Letters that were\ndropped or retried are shown "
            "too.\n",
    .run = dead_show_run,
};
