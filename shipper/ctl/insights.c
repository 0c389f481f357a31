#include "common/clock.h"
#include "common/settings_value.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/insights_queries.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/query.h"
#include "shipper/ctl/table.h"
#include "shipper/ctl/window.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_PRINT = WINDOW_OPTION_NEXT,
    OPTION_LIMIT,
    LIMIT_DEFAULT = 1000,
    LIMIT_MAX = 10000,
    LIMIT_DIGITS_MAX = 5,
    SLIPS_MAX = 3, /* of the hand, for a guess at what was meant */
    MS_PER_S = 1000,
};

struct wanted {
    struct window window;
    const struct insights_query *query; /* NULL: list them */
    unsigned limit;
    bool print;
};

/* Return: the query, or NULL, told. */
static const struct insights_query *
find(const char *name)
{
    const struct insights_query *best = NULL;
    size_t least = SLIPS_MAX + 1;

    for (size_t i = 0; i < insights_query_count; i++) {
        size_t distance = settings_distance(name, insights_queries[i].name);

        if (distance < least) {
            least = distance;
            best = &insights_queries[i];
        }
    }
    if (best && !least)
        return best;
    fprintf(stderr, "clickspoolctl: there is no query \"%s\"", name);
    if (best)
        fprintf(stderr, ": did you mean \"%s\"?\n", best->name);
    else
        fputs("; clickspoolctl insights lists them\n", stderr);
    return NULL;
}

static const char *
take(struct wanted *wanted, int option, int64_t now)
{
    size_t digits;

    switch (option) {
    case OPTION_PRINT:
        wanted->print = true;
        return NULL;
    case OPTION_LIMIT:
        digits = strspn(optarg, "0123456789");
        wanted->limit = digits && digits <= LIMIT_DIGITS_MAX && !optarg[digits]
                            ? (unsigned)atoi(optarg)
                            : 0;
        return wanted->limit && wanted->limit <= LIMIT_MAX
                   ? NULL
                   : "is no number of rows, 1 to 10000";
    default:
        return window_option(&wanted->window, option, optarg, now);
    }
}

static int
parse(struct ctl *ctl, struct wanted *wanted, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        WINDOW_OPTIONS,
        {"print", no_argument, NULL, OPTION_PRINT},
        {"limit", required_argument, NULL, OPTION_LIMIT},
        {NULL, 0, NULL, 0},
    };
    int64_t now = clock_wall_ms();
    const char *wrong;
    int c, code;

    window_init(&wanted->window);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_PRINT || c == OPTION_LIMIT || window_is_option(c)) {
            wrong = take(wanted, c, now);
            if (wrong)
                return ctl_usage(&command_insights, "\"%s\" %s", optarg, wrong);
        } else if ((code = ctl_option(ctl, &command_insights, c)) >= 0) {
            return code;
        }
    }
    if (argc - optind > 1)
        return ctl_usage(&command_insights, "%s: one query at a time",
                         argv[optind + 1]);
    if (optind < argc && !(wanted->query = find(argv[optind])))
        return CTL_USAGE;
    if (wanted->print && !wanted->query)
        return ctl_usage(&command_insights, "--print wants a query's name");
    wrong = window_close(&wanted->window, now);
    return wrong ? ctl_usage(&command_insights, "the time %s", wrong) : -1;
}

static int
list(const struct ctl *ctl)
{
    for (size_t i = 0; i < insights_query_count; i++) {
        const struct insights_query *query = &insights_queries[i];

        if (ctl->json) {
            fputs("{\"name\":", stdout);
            print_json_text(query->name);
            fputs(",\"about\":", stdout);
            print_json_text(query->about);
            puts("}");
        } else {
            printf("%-14s  %s\n", query->name, query->about);
        }
    }
    return CTL_OK;
}

static void
show(const struct ctl *ctl, const struct query_result *result)
{
    char bytes[PRINT_SIZE];

    if (ctl->json)
        table_print_json(result->rows);
    else
        table_print(result->rows);
    if (!ctl->json && isatty(STDOUT_FILENO))
        printf("%s%" PRIu64 " entries matched, %s scanned%s\n",
               print_colour(PRINT_DIM), result->records_matched,
               print_bytes(result->bytes_scanned, bytes), print_end());
}

static int
run(struct ctl *ctl, const struct wanted *wanted)
{
    struct query_result result = {0};
    struct aws_sync *sync = NULL;
    int code, interrupted = 0;

    code = ctl_configure(ctl);
    if (!code)
        code = aws_sync_open(&sync, ctl);
    if (code)
        return code;
    code = query_run(sync,
                     &(struct query_wish){
                         .group = ctl->settings.shipper.log_group,
                         .text = wanted->query->text,
                         .since_s = wanted->window.since / MS_PER_S,
                         .until_s = wanted->window.until / MS_PER_S,
                         .limit = wanted->limit,
                     },
                     &result);
    if (code == AWS_SYNC_MISSING) {
        fprintf(stderr, "clickspoolctl: CloudWatch has no log group %s\n",
                ctl->settings.shipper.log_group);
        code = CTL_UNREACHABLE;
    } else if (!code) {
        show(ctl, &result);
    }
    interrupted = aws_sync_interrupted(sync);
    query_result_deinit(&result);
    aws_sync_close(sync);
    /* Whoever started us sees by what we ended. */
    if (code && interrupted)
        (void)raise(interrupted);
    return code;
}

static int
insights_run(struct ctl *ctl, int argc, char **argv)
{
    struct wanted wanted = {.limit = LIMIT_DEFAULT};
    int code = parse(ctl, &wanted, argc, argv);

    if (code >= 0)
        return code;
    if (!wanted.query)
        return list(ctl);
    if (wanted.print) {
        fputs(wanted.query->text, stdout);
        return CTL_OK;
    }
    return run(ctl, &wanted);
}

const struct command command_insights = {
    .name = "insights",
    .arguments = "[--print] [--since TIME] [--until TIME] [QUERY]",
    .about = "Ready queries of CloudWatch Logs Insights: listed, or run",
    .help = WINDOW_HELP
    "  --limit N         at most N rows; 1000 if nothing is said\n"
    "  --print           print the query instead of running it\n"
    "\n"
    "Without a QUERY, lists them. Ctrl-C stops a query at CloudWatch too. "
    "CloudWatch\ncharges for the bytes that a query scans: those of its "
    "time.\n",
    .calls_aws = true,
    .run = insights_run,
};
