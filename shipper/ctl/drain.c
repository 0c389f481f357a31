#include "common/buf.h"
#include "common/clock.h"
#include "common/settings_value.h"
#include "shipper/ctl/balance.h"
#include "shipper/ctl/broker_ask.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_END = CTL_OPTION_NEXT,
    OPTION_TIMEOUT,
    LOOK_MS = 500,
    SETTLE_MS = 2500, /* ingest looks each second whether it is to refuse */
    COUNT_BYTES = 4 * 1024 * 1024, /* more than this is not counted */
    TIMEOUT_MAX_S = 7 * 24 * 60 * 60,
    NUMBER_BASE = 10,
};

struct drain {
    bool end;
    int64_t timeout_ms; /* 0: for ever */
};

static int
parse(struct drain *drain, struct ctl *ctl, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        {"end", no_argument, NULL, OPTION_END},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {NULL, 0, NULL, 0},
    };
    char *end;
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_END) {
            drain->end = true;
        } else if (c == OPTION_TIMEOUT) {
            drain->timeout_ms = strtoll(optarg, &end, NUMBER_BASE) * 1000;
            if (*end || drain->timeout_ms <= 0 ||
                drain->timeout_ms / 1000 > TIMEOUT_MAX_S)
                return ctl_usage(&command_drain, "--timeout %s: give seconds",
                                 optarg);
        } else {
            code = ctl_option(ctl, &command_drain, c);
            if (code >= 0)
                return code;
        }
    }
    if (optind < argc)
        return ctl_usage(&command_drain, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static int
ask(const struct ctl *ctl, bool end)
{
    struct cJSON *answer;
    struct buf members;
    int code;

    buf_init(&members, 64);
    (void)buf_puts(&members, ",\"ask\":\"drain\"");
    if (end)
        (void)buf_puts(&members, ",\"end\":true");
    code = broker_ask(ctl, &members, &answer);
    buf_deinit(&members);
    cJSON_Delete(answer);
    return code;
}

/* Entries that are pending; where there are many, UINT64_MAX: they are not
 * counted.  Return: 0, or an exit code, told. */
static int
count_pending(const struct ctl *ctl, uint64_t *pending, uint64_t *bytes)
{
    struct progress progress;
    struct balance balance;
    struct shipped shipped;
    struct walk walk;
    int code = shipped_read(&shipped, ctl), r;

    if (code)
        return code;
    r = walk_open(&walk, ctl->dirfd);
    if (r) {
        shipped_deinit(&shipped);
        return ctl_fail(ctl, "the segments cannot be read", r);
    }
    *pending = UINT64_MAX;
    *bytes = walk_bytes(&walk, shipped.checkpoint.position);
    progress_init(&progress, "", 0, false);
    if (*bytes < COUNT_BYTES) {
        r = balance_pending(&balance, &walk, &shipped, &ctl->settings,
                            &progress);
        *pending = balance.pending;
    }
    walk_close(&walk);
    shipped_deinit(&shipped);
    return r ? ctl_fail(ctl, "the segments cannot be read", r) : CTL_OK;
}

static void
tell(const struct ctl *ctl, uint64_t pending, uint64_t bytes)
{
    char text[PRINT_SIZE];

    if (ctl->json && pending == UINT64_MAX)
        printf("{\"pending\":null,\"bytes\":%" PRIu64 "}\n", bytes);
    else if (ctl->json)
        printf("{\"pending\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", pending,
               bytes);
    else if (pending == UINT64_MAX)
        printf("%s are pending\n", print_bytes(bytes, text));
    else if (pending)
        printf("%" PRIu64 " entries are pending\n", pending);
    else
        puts("nothing is pending; events are refused until clickspoolctl "
             "drain --end");
}

static int
wait_for_it(const struct ctl *ctl, int64_t timeout_ms)
{
    int64_t began_ms = clock_mono_us() / 1000, passed_ms;
    uint64_t pending, bytes;
    int code;

    do {
        if (!print_wait(LOOK_MS))
            return CTL_UNREACHABLE;
        passed_ms = clock_mono_us() / 1000 - began_ms;
        code = count_pending(ctl, &pending, &bytes);
    } while (!code && (pending || passed_ms < SETTLE_MS) &&
             (!timeout_ms || passed_ms < timeout_ms));
    if (!code)
        tell(ctl, pending, bytes);
    return code ? code : pending ? CTL_FINDINGS : CTL_OK;
}

static int
drain_run(struct ctl *ctl, int argc, char **argv)
{
    struct drain drain = {0};
    int code = parse(&drain, ctl, argc, argv);

    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (!code)
        code = ask(ctl, drain.end);
    if (code)
        return code;
    if (!drain.end)
        return wait_for_it(ctl, drain.timeout_ms);
    if (ctl->json)
        puts("{\"draining\":false}");
    else
        puts("events are taken again");
    return CTL_OK;
}

const struct command command_drain = {
    .name = "drain",
    .arguments = "[--timeout SECONDS] | --end",
    .about = "Refuse new events, and wait until nothing is pending",
    .help = "  --end             take events again\n"
            "  --timeout SECONDS wait no longer: exit 1 says that something is "
            "pending\n"
            "\n"
            "ingest answers 503 from then on, after a restart too. A running "
            "shipper is\nneeded; it sends what there is without waiting for a "
            "batch to fill.\n",
    .run = drain_run,
};
