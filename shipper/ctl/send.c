#include "common/clock.h"
#include "common/json.h"
#include "common/settings_value.h"
#include "common/uuid.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/fate.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/receipt.h"
#include "shipper/ctl/sightings.h"
#include "shipper/ctl/spool_find.h"
#include "shipper/ctl/web.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_URL = CTL_OPTION_NEXT,
    OPTION_CACERT,
    OPTION_REMOTE,
    OPTION_EVENT,
    OPTION_FIELDS,
    OPTION_TIMEOUT,
    BODY_MAX = 64 * 1024,
    LOOK_MS = 100,        /* at files */
    LOOK_CLOUD_MS = 1000, /* at CloudWatch */
    DEFAULT_MS = 2 * 60000,
    CLOCKS_MS = 10 * 60000, /* how far another machine's may be off */
};

struct send {
    struct ctl *ctl;
    struct aws_sync *sync;
    const char *url, *event, *fields;
    struct web_place place;
    bool remote;
    int64_t timeout_ms;

    char event_id[UUID_SIZE];
    int64_t began_ms, began_us, deadline_us;
    struct spool_found found;
};

static int
parse_timeout(struct send *send, const char *text)
{
    static const struct settings_kind kind = {SETTINGS_TIME, "1s..1h"};
    char why[SETTINGS_WHY_SIZE];

    if (settings_value_parse(&kind, text, &send->timeout_ms, why) == 0)
        return -1;
    return ctl_usage(&command_send, "\"%s\": %s", text, why);
}

static int
take(struct send *send, int option)
{
    switch (option) {
    case OPTION_URL:
        send->url = optarg;
        return -1;
    case OPTION_CACERT:
        send->place.ca = optarg;
        return -1;
    case OPTION_REMOTE:
        send->remote = true;
        return -1;
    case OPTION_EVENT:
        send->event = optarg;
        return -1;
    case OPTION_FIELDS:
        send->fields = optarg;
        if (*optarg == '{' &&
            jsonscan_valid((struct slice){optarg, strlen(optarg)}))
            return -1;
        return ctl_usage(&command_send, "\"%s\" is no JSON object", optarg);
    case OPTION_TIMEOUT:
        return parse_timeout(send, optarg);
    default:
        return ctl_option(send->ctl, &command_send, option);
    }
}

static int
parse(struct send *send, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        {"url", required_argument, NULL, OPTION_URL},
        {"cacert", required_argument, NULL, OPTION_CACERT},
        {"remote", no_argument, NULL, OPTION_REMOTE},
        {"event", required_argument, NULL, OPTION_EVENT},
        {"fields", required_argument, NULL, OPTION_FIELDS},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {NULL, 0, NULL, 0},
    };
    const char *wrong;
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        code = take(send, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(&command_send, "%s: no arguments are taken",
                         argv[optind]);
    if (send->remote && !send->url)
        return ctl_usage(&command_send, "--remote goes with --url");
    wrong = send->url ? web_place_url(&send->place, send->url) : NULL;
    return wrong ? ctl_usage(&command_send, "\"%s\": %s", send->url, wrong)
                 : -1;
}

/* How a step's line begins; its own words follow, and end_step(). */
static void
begin_step(const struct send *send, const char *step)
{
    int64_t took_ms = (clock_mono_us() - send->began_us) / 1000;
    char time[PRINT_SIZE];

    if (send->ctl->json)
        printf("{\"step\":\"%s\",\"at\":%s,\"afterMs\":%" PRId64, step,
               print_time_json(clock_wall_ms(), time), took_ms);
    else
        printf("%s  %+8.3fs  %-10s  ", print_time(clock_wall_ms(), time),
               (double)took_ms / 1000, step);
}

static void
end_step(const struct send *send)
{
    puts(send->ctl->json ? "}" : "");
    (void)fflush(stdout);
}

/* Return: whether there is time left, after @ms of waiting. */
static bool
waits(const struct send *send, int ms)
{
    return clock_mono_us() < send->deadline_us && print_wait(ms);
}

static int
late(const struct send *send, const char *what)
{
    char span[PRINT_SIZE];

    fprintf(stderr,
            "clickspoolctl: %s within %s; clickspoolctl trace %s "
            "looks again\n",
            what, print_span(send->timeout_ms, span), send->event_id);
    return CTL_FINDINGS;
}

/* The mark is in clientId, which every catalog has. */
static void
make_event(struct send *send, struct buf *body)
{
    uuid_make(send->event_id);
    (void)buf_puts(body, "{\"eventName\":");
    json_string(body, send->event);
    (void)buf_printf(body,
                     ",\"eventId\":\"%s\",\"clientId\":\"clickspoolctl-%.8s\","
                     "\"sessionId\":\"clickspoolctl-%.8s\"",
                     send->event_id, send->event_id, send->event_id);
    if (send->fields &&
        strspn(send->fields + 1, " \t\r\n}") + 1 < strlen(send->fields))
        (void)buf_printf(body, ",%s", send->fields + 1);
    else
        (void)buf_putc(body, '}');
}

static int
post(struct send *send)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          NULL};
    struct web_answer answer;
    struct receipt receipt;
    struct buf body;
    int code;

    buf_init(&body, BODY_MAX);
    make_event(send, &body);
    (void)web_ask(&(struct web_request){.method = "POST",
                                        .place = &send->place,
                                        .path = "/events",
                                        .headers = headers,
                                        .body = {body.data, body.len}},
                  &answer);
    code = receipt_read(&receipt, &answer);
    if (code) {
        fprintf(stderr, "clickspoolctl: %s/events: ", send->place.base);
        print_printable(stderr, receipt.why);
        fputc('\n', stderr);
    } else {
        begin_step(send, "taken");
        printf(send->ctl->json ? ",\"eventId\":\"%s\",\"requestId\":"
                               : "event %s, request ",
               send->event_id);
        if (send->ctl->json)
            print_json_text(receipt.request_id);
        else
            print_printable(stdout, receipt.request_id);
        end_step(send);
    }
    web_answer_deinit(&answer);
    buf_deinit(&body);
    return code;
}

static int
find_in_spool(struct send *send)
{
    char name[SPOOL_NAME_SIZE];
    int r;

    do
        r = spool_find(&send->found, send->ctl->dirfd, send->event_id,
                       send->began_ms - CLOCKS_MS);
    while (!r && waits(send, LOOK_MS));
    if (r < 0)
        return ctl_fail(send->ctl, "the segments cannot be read", r);
    if (!r)
        return late(send, "the spool does not show it: is --dir ingest's own, "
                          "or is ingest on another machine (--remote)?");
    begin_step(send, "spool");
    (void)spool_name(send->found.position.segment, name);
    printf(send->ctl->json ? ",\"segment\":\"%s\",\"offset\":%" PRIu64
                           : "%s:%" PRIu64,
           name, send->found.position.offset);
    end_step(send);
    return 0;
}

static int
judge_fate(const struct send *send, struct fates *fates)
{
    struct letter_why why;
    enum fate_kind fate =
        fates_of(fates, (struct slice){NULL, 0}, send->found.position, &why);

    if (fate == FATE_DELIVERED) {
        begin_step(send, "delivered");
        fputs(send->ctl->json ? "" : "the checkpoint has passed it", stdout);
        end_step(send);
        return 0;
    }
    fprintf(stderr, "clickspoolctl: it is %s", fate_name(fate));
    if (*why.reason) {
        fputs(": ", stderr);
        print_printable(stderr, why.reason);
        fputs(*why.code ? ", " : "", stderr);
        print_printable(stderr, why.code);
    }
    fputc('\n', stderr);
    return CTL_FINDINGS;
}

static int
see_delivered(const struct send *send)
{
    struct fates fates;
    bool passed;
    int code;

    do {
        code = fates_read(&fates, send->ctl);
        passed = !code && fates.shipped.state == SHIPPED_KNOWN &&
                 spool_position_compare(send->found.position,
                                        fates.shipped.checkpoint.position) < 0;
        if (passed)
            code = judge_fate(send, &fates);
        fates_deinit(&fates);
    } while (!code && !passed && waits(send, LOOK_MS));
    return code || passed ? code : late(send, "shipper has not passed it");
}

static void
look_for(const struct send *send, struct sightings *sightings)
{
    *sightings = (struct sightings){0};
    sightings_add(sightings, send->event_id,
                  send->remote ? send->began_ms - CLOCKS_MS : send->found.ts);
    if (send->remote)
        sightings->later_ms = clock_wall_ms() + CLOCKS_MS;
}

static int
see_in_cloudwatch(const struct send *send)
{
    static struct sightings sightings;
    const struct sighting *one = sightings.ones;
    char time[PRINT_SIZE];
    int code;

    do {
        look_for(send, &sightings);
        code = sightings_look(&sightings, send->sync, &send->ctl->settings);
    } while (!code && !one->count && waits(send, LOOK_CLOUD_MS));
    if (code)
        return code;
    if (!one->count)
        return late(send, "CloudWatch does not show it");
    begin_step(send, "cloudwatch");
    if (send->ctl->json) {
        printf(",\"count\":%u,\"ingestedAt\":%s,\"stream\":", one->count,
               print_time_json(one->ingested_ms, time));
        print_json_text(one->stream);
    } else {
        print_printable(stdout, one->stream);
        printf(", since %s", print_time(one->ingested_ms, time));
    }
    end_step(send);
    return one->count == 1 ? CTL_OK : CTL_FINDINGS;
}

static int
follow(struct send *send)
{
    const struct settings *settings = &send->ctl->settings;
    const char *wrong = NULL;
    int code;

    if (!send->url)
        wrong = web_place_listen(&send->place, settings->listen.public,
                                 settings->tls.certificate);
    if (wrong) {
        fprintf(stderr, "clickspoolctl: [listen] public: %s\n", wrong);
        return CTL_UNREACHABLE;
    }
    send->began_ms = clock_wall_ms();
    send->began_us = clock_mono_us();
    send->deadline_us = send->began_us + send->timeout_ms * 1000;
    code = post(send);
    if (!code && !send->remote)
        code = find_in_spool(send);
    if (!code && !send->remote)
        code = see_delivered(send);
    return code ? code : see_in_cloudwatch(send);
}

static int
send_run(struct ctl *ctl, int argc, char **argv)
{
    struct send send = {.ctl = ctl,
                        .event = "page_view",
                        .timeout_ms = DEFAULT_MS};
    int code = parse(&send, argc, argv);

    if (code >= 0)
        return code;
    code = send.remote ? ctl_configure(ctl) : ctl_open(ctl);
    if (!code)
        code = aws_sync_open(&send.sync, ctl);
    if (!code)
        code = follow(&send);
    aws_sync_close(send.sync);
    return code;
}

const struct command command_send = {
    .name = "send",
    .arguments = "[--url URL [--remote]] [--event NAME] [--fields JSON]",
    .about = "One marked event, followed through to CloudWatch",
    .help =
        "  --url URL         post it there, instead of to the first address of "
        "[listen]\n"
        "                    public\n"
        "  --cacert FILE     trust these certificates instead of the system's\n"
        "  --remote          ingest is on another machine: ask CloudWatch "
        "alone\n"
        "  --event NAME      its eventName; page_view\n"
        "  --fields JSON     an object whose members it has as well\n"
        "  --timeout TIME    give up after so long; 2m\n"
        "\n"
        "Its clientId begins with clickspoolctl-. Each step is printed when it "
        "has\nhappened. Exit code 0 where CloudWatch shows it, 1 where it was "
        "refused, is dead or\ndoes not show in time.\n",
    .calls_aws = true,
    .run = send_run,
};
