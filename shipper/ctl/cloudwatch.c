#include "common/buf.h"
#include "common/clock.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/cwread.h"
#include "shipper/ctl/idset.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/window.h"
#include "shipper/endpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_COUNT = WINDOW_OPTION_NEXT,
    OPTION_STREAM,
    PREFIX_MAX = 1024,
    SHOWN_EVERY = 5000, /* events, to whoever waits */
};

/* Events of the window. */
struct counted {
    struct idset ids;
    uint64_t events;
    uint64_t without_id;
    uint64_t distinct;
    uint64_t repeated;
};

struct look {
    struct ctl *ctl;
    struct aws_sync *sync;
    const char *group;
    struct buf prefix;
    struct window window;
    bool count;
    uint64_t streams;
    int64_t now_ms;
};

static int
parse(struct look *look, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        WINDOW_OPTIONS,
        {"count", no_argument, NULL, OPTION_COUNT},
        {"stream", required_argument, NULL, OPTION_STREAM},
        {NULL, 0, NULL, 0},
    };
    const char *wrong;
    int c, code;

    window_init(&look->window);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (window_is_option(c)) {
            wrong = window_option(&look->window, c, optarg, look->now_ms);
            if (wrong)
                return ctl_usage(&command_cloudwatch, "\"%s\" %s", optarg,
                                 wrong);
        } else if (c == OPTION_COUNT) {
            look->count = true;
        } else if (c == OPTION_STREAM) {
            cwread_prefix(&look->prefix, optarg);
        } else if ((code = ctl_option(look->ctl, &command_cloudwatch, c)) >=
                   0) {
            return code;
        }
    }
    if (optind < argc)
        return ctl_usage(&command_cloudwatch, "%s: no arguments are taken",
                         argv[optind]);
    wrong = window_close(&look->window, look->now_ms);
    return wrong ? ctl_usage(&command_cloudwatch, "the time %s", wrong) : -1;
}

static void
print_group(const struct look *look, const struct cwread_group *group)
{
    char created[PRINT_SIZE], bytes[PRINT_SIZE];

    if (look->ctl->json) {
        fputs("{\"group\":", stdout);
        print_json_text(look->group);
        fputs(",\"region\":", stdout);
        print_json_text(endpoint_region(&look->ctl->settings));
        printf(",\"exists\":true,\"createdAt\":%s,\"retentionDays\":",
               print_time_json(group->created_ms, created));
        if (group->retention_days)
            printf("%" PRId64, group->retention_days);
        else
            fputs("null", stdout);
        printf(",\"storedBytes\":%" PRIu64 ",\"streams\":[",
               group->stored_bytes);
        return;
    }
    printf("%s  %s\n", look->group, endpoint_region(&look->ctl->settings));
    printf("  created       %s\n", print_time(group->created_ms, created));
    if (group->retention_days)
        printf("  kept for      %" PRId64 " day%s\n", group->retention_days,
               group->retention_days == 1 ? "" : "s");
    else
        puts("  kept for      ever");
    printf("  stored        %s, as CloudWatch last summed it up\n",
           print_bytes(group->stored_bytes, bytes));
}

static int
see_stream(void *owner, const struct cwread_stream *stream)
{
    char first[PRINT_SIZE], last[PRINT_SIZE], ingested[PRINT_SIZE];
    char created[PRINT_SIZE];
    struct look *look = owner;

    if (!look->ctl->json) {
        fputs("  stream        ", stdout);
        print_printable(stdout, stream->name);
        printf("\n    events      %s to %s\n    last came   %s\n",
               print_time(stream->first_ms, first),
               print_time(stream->last_ms, last),
               print_time(stream->ingested_ms, ingested));
    } else {
        fputs(look->streams ? ",{\"stream\":" : "{\"stream\":", stdout);
        print_json_text(stream->name);
        printf(",\"createdAt\":%s,\"firstEvent\":%s,\"lastEvent\":%s,"
               "\"lastIngestion\":%s}",
               print_time_json(stream->created_ms, created),
               print_time_json(stream->first_ms, first),
               print_time_json(stream->last_ms, last),
               print_time_json(stream->ingested_ms, ingested));
    }
    look->streams++;
    return 0;
}

static int
see_event(void *owner, const struct cwread_event *event)
{
    struct counted *counted = owner;
    const char *id = cwread_event_id(event->message);
    int r = id ? idset_add(&counted->ids, id) : -EINVAL;

    counted->events++;
    if (counted->events % SHOWN_EVERY == 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%" PRIu64 " events\033[K", counted->events);
    switch (r) {
    case 0:
        return 0;
    case -EINVAL:
        counted->without_id++;
        return 0;
    case -ENOBUFS:
        fprintf(stderr,
                "clickspoolctl: more than %d events: take a shorter time\n",
                IDSET_MAX);
        return CTL_UNREACHABLE;
    default:
        fprintf(stderr, "clickspoolctl: %s\n", strerror(-r));
        return CTL_UNREACHABLE;
    }
}

static void
print_counted(const struct look *look, const struct counted *counted)
{
    char since[PRINT_SIZE], until[PRINT_SIZE];

    if (look->ctl->json) {
        printf(",\"count\":{\"since\":%s,\"until\":%s,\"events\":%" PRIu64
               ",\"eventIds\":%" PRIu64 ",\"repeated\":%" PRIu64
               ",\"withoutId\":%" PRIu64 "}",
               print_time_json(look->window.since, since),
               print_time_json(look->window.until, until), counted->events,
               counted->distinct, counted->repeated, counted->without_id);
        return;
    }
    printf("  counted       %" PRIu64 " events from %s to %s:\n"
           "                %" PRIu64 " eventIds, %s%" PRIu64
           " of them more than once%s\n",
           counted->events, print_time(look->window.since, since),
           print_time(look->window.until, until), counted->distinct,
           print_colour(counted->repeated ? PRINT_BAD : PRINT_PLAIN),
           counted->repeated, print_end());
    if (counted->without_id)
        printf("                %" PRIu64 " events without an eventId\n",
               counted->without_id);
}

static int
count(const struct look *look)
{
    struct cwread_range range = {
        .group = look->group,
        .prefix = look->prefix.data,
        .start = look->window.since,
        .end = look->window.until + 1,
    };
    struct counted counted = {0};
    int code;

    idset_init(&counted.ids, IDSET_MAX);
    code = cwread_events(look->sync, &range, see_event, &counted);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (!code && idset_sort(&counted.ids) < 0)
        code = ctl_fail(look->ctl, "the events cannot be counted", -ENOMEM);
    if (!code) {
        counted.distinct = idset_distinct(&counted.ids, &counted.repeated);
        print_counted(look, &counted);
        code = counted.repeated ? CTL_FINDINGS : CTL_OK;
    }
    idset_deinit(&counted.ids);
    return code;
}

static int
show_missing(const struct look *look)
{
    if (look->ctl->json) {
        fputs("{\"group\":", stdout);
        print_json_text(look->group);
        fputs(",\"region\":", stdout);
        print_json_text(endpoint_region(&look->ctl->settings));
        puts(",\"exists\":false}");
    } else {
        printf("%s  %s\n  %sthere is no such group%s\n", look->group,
               endpoint_region(&look->ctl->settings), print_colour(PRINT_BAD),
               print_end());
    }
    return CTL_FINDINGS;
}

static int
show(struct look *look)
{
    struct cwread_group group;
    int code = cwread_group(look->sync, look->group, &group);

    if (code == AWS_SYNC_MISSING)
        return show_missing(look);
    if (code)
        return code;
    print_group(look, &group);
    code = cwread_streams(look->sync, look->group, look->prefix.data,
                          see_stream, look);
    if (look->ctl->json)
        putchar(']');
    else if (!code && !look->streams)
        puts("  stream        none");
    if (!code && look->count) {
        (void)fflush(stdout); /* counting may take its time */
        code = count(look);
    }
    if (look->ctl->json)
        puts("}");
    /* It was deleted while we looked. */
    return code == AWS_SYNC_MISSING ? CTL_FINDINGS : code;
}

static int
cloudwatch_run(struct ctl *ctl, int argc, char **argv)
{
    struct look look = {.ctl = ctl, .now_ms = clock_wall_ms()};
    int code;

    buf_init(&look.prefix, PREFIX_MAX);
    code = parse(&look, argc, argv);
    if (code < 0)
        code = ctl_configure(ctl);
    else
        goto out;
    if (!code)
        code = aws_sync_open(&look.sync, ctl);
    if (code)
        goto out;
    look.group = ctl->settings.shipper.log_group;
    if (!look.prefix.len)
        cwread_prefix(&look.prefix, ctl->settings.shipper.log_stream);
    code = show(&look);
out:
    aws_sync_close(look.sync);
    buf_deinit(&look.prefix);
    return code;
}

const struct command command_cloudwatch = {
    .name = "cloudwatch",
    .arguments = "[--count] [--since TIME] [--until TIME]",
    .about = "What CloudWatch has of our log group",
    .help =
        "  --count           read the events of a time, and count them by "
        "eventId\n" WINDOW_HELP
        "  --stream PREFIX   streams whose names begin so, instead of all that "
        "are\n"
        "                    made from [shipper] log_stream\n"
        "\n"
        "CloudWatch sums up stored bytes and a stream's times now and then: "
        "they may lag\nan hour behind. --count reads, so it is exact, but for "
        "what came in the last\nminute. Exit code 1 where there is no such "
        "group, or an eventId more than once.\n",
    .calls_aws = true,
    .run = cloudwatch_run,
};
