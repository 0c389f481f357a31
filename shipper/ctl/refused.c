#include "shipper/ctl/ctl.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/pretty.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/web.h"

#include <stdio.h>
#include <unistd.h>

enum {
    REFUSALS_MAX = 10000, /* ingest keeps 200 */
    TIME_WIDTH = 24,
    CODE_WIDTH = 24,
    EVENT_WIDTH = 17,
    POINTER_WIDTH = 20,
    PATH_WIDTH = 24,
};

static struct slice
member(struct slice refusal, struct slice name)
{
    struct slice value = {NULL, 0};

    (void)jsonscan_member(refusal, name, &value);
    return value;
}

static void
cell(struct slice value, int width)
{
    pretty_cell(value, width);
    fputs(width ? "  " : "\n", stdout);
}

static void
print_row(struct slice refusal)
{
    cell(member(refusal, SLICE("at")), TIME_WIDTH);
    cell(member(refusal, SLICE("code")), CODE_WIDTH);
    cell(member(refusal, SLICE("event")), EVENT_WIDTH);
    cell(member(refusal, SLICE("pointer")), POINTER_WIDTH);
    cell(member(refusal, SLICE("path")), PATH_WIDTH);
    cell(member(refusal, SLICE("requestId")), 0);
}

/* One line: between its values JSON may hold newlines. */
static void
print_json(struct slice refusal)
{
    for (size_t i = 0; i < refusal.len; i++)
        putchar(refusal.data[i] == '\n' || refusal.data[i] == '\r'
                    ? ' '
                    : refusal.data[i]);
    putchar('\n');
}

static size_t
count_of(struct slice list)
{
    struct slice one;
    size_t count = 0;

    while (count < REFUSALS_MAX && jsonscan_element(list, count, &one))
        count++;
    return count;
}

/* The newest is told first, and shown last, as in tail. */
static void
print_list(const struct ctl *ctl, struct slice list)
{
    size_t count = count_of(list);

    if (!ctl->json && count && isatty(STDOUT_FILENO))
        printf("%-*s  %-*s  %-*s  %-*s  %-*s  %s\n", TIME_WIDTH, "AT",
               CODE_WIDTH, "CODE", EVENT_WIDTH, "EVENT", POINTER_WIDTH,
               "POINTER", PATH_WIDTH, "PATH", "REQUESTID");
    for (size_t i = count; i--;) {
        struct slice refusal;

        if (!jsonscan_element(list, i, &refusal))
            continue;
        if (ctl->json)
            print_json(refusal);
        else
            print_row(refusal);
    }
}

static int
show(const struct ctl *ctl, const struct web_place *place)
{
    struct web_answer answer;
    struct slice body, list;
    int code = CTL_OK;

    (void)web_ask(&(struct web_request){.method = "GET",
                                        .place = place,
                                        .path = "/refused"},
                  &answer);
    body = (struct slice){answer.body.data, answer.body.len};
    if (answer.status == 200 && jsonscan_valid(body) &&
        jsonscan_member(body, SLICE("refused"), &list) && *list.data == '[') {
        print_list(ctl, list);
    } else {
        fprintf(stderr, "clickspoolctl: %s/refused: ", place->base);
        if (answer.status)
            fprintf(stderr, "%d, which is no answer of ingest's",
                    answer.status);
        else
            print_printable(stderr, answer.error);
        fputs("; [listen] admin says where it is asked\n", stderr);
        code = CTL_UNREACHABLE;
    }
    web_answer_deinit(&answer);
    return code;
}

static int
refused_run(struct ctl *ctl, int argc, char **argv)
{
    struct web_place place = {.base = ""};
    const char *wrong;
    int code;

    code = ctl_options(ctl, &command_refused, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_configure(ctl);
    if (code)
        return code;
    wrong = web_place_listen(&place, ctl->settings.listen.admin, NULL);
    if (wrong) {
        fprintf(stderr, "clickspoolctl: [listen] admin: %s\n", wrong);
        return CTL_UNREACHABLE;
    }
    return show(ctl, &place);
}

const struct command command_refused = {
    .name = "refused",
    .arguments = "",
    .about = "The last 200 refusals, and what was wrong",
    .help = "When, the code, the event's name, the pointer to what was wrong "
            "in it, the page's\npath and the requestId; the newest last. "
            "Values are kept nowhere. ingest is asked\non its admin address, "
            "and remembers them until it ends.\n",
    .run = refused_run,
};
