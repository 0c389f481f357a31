#include "common/settings_value.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/health_facts.h"
#include "shipper/ctl/health_judge.h"
#include "shipper/ctl/overview.h"
#include "shipper/ctl/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_LAG = CTL_OPTION_NEXT,
    OPTION_ROOM,
    OPTION_DEAD,
    OPTION_CERTIFICATE,
    OPTION_STUCK,
    VALUE_SIZE = 64,
};

/* "WARNING,CRITICAL".  Return: NULL, or what is wrong. */
static const char *
parse_limit(struct health_limit *limit, const struct settings_kind *kind,
            const char *text, bool rising)
{
    const char *comma = strchr(text, ',');
    static char why[SETTINGS_WHY_SIZE];
    char first[VALUE_SIZE];

    if (!comma || comma - text >= VALUE_SIZE)
        return "give two, WARNING,CRITICAL";
    (void)snprintf(first, sizeof(first), "%.*s", (int)(comma - text), text);
    if (settings_value_parse(kind, first, &limit->warning, why) ||
        settings_value_parse(kind, comma + 1, &limit->critical, why))
        return why;
    if (rising ? limit->warning > limit->critical
               : limit->warning < limit->critical)
        return "give first what is a warning, then what is worse";
    return NULL;
}

static const char *
take(struct health_limits *limits, int option, const char *text)
{
    static const struct settings_kind time = {SETTINGS_TIME, "0s..3650d"};
    static const struct settings_kind percent = {SETTINGS_COUNT, "0..100"};
    static const struct settings_kind count = {SETTINGS_COUNT, "0..1000000000"};
    static char why[SETTINGS_WHY_SIZE];

    switch (option) {
    case OPTION_LAG:
        return parse_limit(&limits->lag_ms, &time, text, true);
    case OPTION_ROOM:
        return parse_limit(&limits->room, &percent, text, false);
    case OPTION_DEAD:
        return parse_limit(&limits->dead, &count, text, true);
    case OPTION_CERTIFICATE:
        return parse_limit(&limits->certificate_ms, &time, text, false);
    default:
        return settings_value_parse(&time, text, &limits->stuck_ms, why) ? why
                                                                         : NULL;
    }
}

static int
parse(struct ctl *ctl, struct health_limits *limits, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_OPTIONS,
        {"lag", required_argument, NULL, OPTION_LAG},
        {"room", required_argument, NULL, OPTION_ROOM},
        {"dead", required_argument, NULL, OPTION_DEAD},
        {"certificate", required_argument, NULL, OPTION_CERTIFICATE},
        {"stuck", required_argument, NULL, OPTION_STUCK},
        {NULL, 0, NULL, 0},
    };
    const char *wrong;
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c >= CTL_OPTION_NEXT) {
            wrong = take(limits, c, optarg);
            if (wrong)
                return ctl_usage(&command_health, "\"%s\": %s", optarg, wrong);
        } else if ((code = ctl_option(ctl, &command_health, c)) >= 0) {
            return code;
        }
    }
    if (optind < argc)
        return ctl_usage(&command_health, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static void
print_fine(const struct health *health)
{
    char span[PRINT_SIZE];

    printf("lag %s, room %" PRId64 "%%, %" PRIu64 " dead letters",
           print_span(health->lag_ms, span), health->room, health->dead);
    if (health->has_certificate)
        printf(", certificate for %s",
               print_span(health->certificate_ms, span));
}

/* Nagios Plugin API: 'label'=value[unit];warning;critical;least;most, where
 * `10:` is what must not be gone below. */
static void
print_figures(const struct health *health, const struct overview *overview,
              const struct health_facts *facts,
              const struct health_limits *limits)
{
    printf(" | lag=%.3fs;%" PRId64 ";%" PRId64 ";0;",
           (double)health->lag_ms / 1000, limits->lag_ms.warning / 1000,
           limits->lag_ms.critical / 1000);
    printf(" room=%" PRId64 "%%;%" PRId64 ":;%" PRId64 ":;0;100", health->room,
           limits->room.warning, limits->room.critical);
    printf(" unshipped=%" PRIu64 "B;;;0;%" PRId64, overview->unshipped_bytes,
           facts->max_unshipped);
    printf(" dead=%" PRIu64 ";%" PRId64 ";%" PRId64 ";0;", health->dead,
           limits->dead.warning, limits->dead.critical);
    if (health->has_certificate)
        printf(" certificate=%" PRId64 "s;%" PRId64 ":;%" PRId64 ":;;",
               health->certificate_ms / 1000,
               limits->certificate_ms.warning / 1000,
               limits->certificate_ms.critical / 1000);
    putchar('\n');
}

static void
print_json(const struct health *health, const struct overview *overview)
{
    printf("{\"state\":\"%s\",\"findings\":[", health_name(health->level));
    for (size_t i = 0; i < health->count; i++) {
        printf("%s{\"state\":\"%s\",\"text\":", i ? "," : "",
               health_name(health->findings[i].level));
        print_json_text(health->findings[i].text);
        putchar('}');
    }
    printf("],\"lagSeconds\":%.3f,\"roomPercent\":%" PRId64
           ",\"unshippedBytes\":%" PRIu64 ",\"deadLetters\":%" PRIu64
           ",\"certificateSeconds\":",
           (double)health->lag_ms / 1000, health->room,
           overview->unshipped_bytes, health->dead);
    if (health->has_certificate)
        printf("%" PRId64 "}\n", health->certificate_ms / 1000);
    else
        puts("null}");
}

/* No exit code of ours would be read as what it is: 2 is critical. */
static int
unknown(const struct ctl *ctl, const char *what)
{
    if (ctl->json)
        printf("{\"state\":\"%s\",\"findings\":[{\"state\":\"%s\","
               "\"text\":\"%s\"}]}\n",
               health_name(HEALTH_UNKNOWN), health_name(HEALTH_UNKNOWN), what);
    else
        printf("CLICKSPOOL %s - %s: stderr says why\n",
               health_name(HEALTH_UNKNOWN), what);
    return HEALTH_UNKNOWN;
}

static int
look(struct ctl *ctl, const struct health_limits *limits)
{
    struct overview overview = {0};
    struct health_facts facts = {0};
    struct health health = {0};
    int code = ctl_open(ctl);

    if (!code)
        code = overview_read(&overview, ctl);
    if (code)
        goto out;
    health_facts_read(&facts, ctl);
    health_judge(&health, &overview, &facts, limits);
    if (ctl->json) {
        print_json(&health, &overview);
    } else {
        printf("CLICKSPOOL %s - ", health_name(health.level));
        for (size_t i = 0; i < health.count; i++)
            printf("%s%s", i ? "; " : "", health.findings[i].text);
        if (!health.count)
            print_fine(&health);
        print_figures(&health, &overview, &facts, limits);
    }
out:
    overview_deinit(&overview);
    return code ? unknown(ctl, "the spool or its configuration cannot be read")
                : (int)health.level;
}

static int
health_run(struct ctl *ctl, int argc, char **argv)
{
    struct health_limits limits = health_defaults;
    int code = parse(ctl, &limits, argc, argv);

    if (code == CTL_OK) /* --help */
        return code;
    return code < 0 ? look(ctl, &limits)
                    : unknown(ctl, "the command line is wrong");
}

const struct command command_health = {
    .name = "health",
    .arguments = "[--lag W,C] [--room W,C] [--dead W,C] [--certificate W,C]",
    .about = "Whether all is well, for Nagios and timers: exit code 0 to 3",
    .help =
        "  --lag W,C         age of the oldest entry that waits; 2m,15m\n"
        "  --room W,C        per cent of [spool] max_unshipped that still "
        "fit; 50,10\n"
        "  --dead W,C        dead letters; 0,100\n"
        "  --certificate W,C time to the end of [tls] certificate; 14d,3d\n"
        "  --stuck TIME      critical where entries wait, and none was "
        "delivered for so\n"
        "                    long; 5m\n"
        "\n"
        "A warning past W, critical past C. One line, with performance data "
        "behind the\nbar. Exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, a "
        "wrong "
        "command line\nincluded.\n",
    .run = health_run,
};
