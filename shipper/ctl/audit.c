#include "shipper/ctl/audit_cloud.h"
#include "shipper/ctl/balance.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/letters.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/shipped.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 10, OPTION_CLOUDWATCH = CTL_OPTION_NEXT };

struct audit {
    struct shipped shipped;
    struct balance balance;
    struct letters letters;
    bool ask_cloud; /* for ... */
    struct audit_cloud cloud;
};

/*
 * The dead letters were on disk before the checkpoint passed them.  There may
 * be more than it counts: where shipper was killed between the two, the entry
 * was sent once more, and may have been taken then.
 */
static void
compare_letters(struct audit *audit)
{
    const struct checkpoint_counts *counts = &audit->balance.counts;
    const struct letters *letters = &audit->letters;
    uint64_t counted = counts->dead, found = letters->passed;

    if (!letters->settled) {
        counted += counts->dropped;
        found += letters->given_up;
    }
    if (found < counted)
        balance_find(&audit->balance, "dead_letters_missing", 0,
                     "the checkpoint counts %" PRIu64 " entries dead or "
                     "dropped, and the dead-letter files hold %" PRIu64
                     " from before its position",
                     counted, found);
}

static int
look(struct audit *audit, const struct ctl *ctl)
{
    struct progress progress;
    struct walk walk;
    int r;

    r = walk_open(&walk, ctl->dirfd);
    if (r)
        return r;
    progress_init(&progress, "audit",
                  walk_bytes(&walk, (struct spool_position){0}), true);
    r = balance_make(&audit->balance, &walk, &audit->shipped, &ctl->settings,
                     &progress);
    progress_wipe(&progress);
    walk_close(&walk);
    if (!r)
        r = letters_read(&audit->letters, ctl->dirfd,
                         &audit->shipped.checkpoint);
    if (!r)
        compare_letters(audit);
    return r;
}

/* Whether shipper has moved on since.  Return: 1, 0, or -1 with the exit code
 * in *@code. */
static int
has_moved(const struct audit *audit, const struct ctl *ctl, int *code)
{
    const struct checkpoint *then = &audit->shipped.checkpoint;
    struct shipped now;
    int moved;

    *code = shipped_read(&now, ctl);
    if (*code)
        return -1;
    moved =
        now.state != audit->shipped.state ||
        spool_position_compare(now.checkpoint.position, then->position) != 0 ||
        memcmp(&now.checkpoint.counts, &then->counts, sizeof(then->counts)) !=
            0;
    shipped_deinit(&now);
    return moved;
}

/*
 * shipper may remove what it has shipped while we look.  So a sum that does
 * not come out counts only where the checkpoint has stood still meanwhile.
 */
static int
audit_spool(struct audit *audit, const struct ctl *ctl)
{
    int code = 0, moved = 1, r = 0;

    for (int tries = 0; moved == 1 && tries < TRIES; tries++) {
        shipped_deinit(&audit->shipped);
        code = shipped_read(&audit->shipped, ctl);
        if (code)
            return code;
        r = look(audit, ctl);
        if (r)
            return ctl_fail(ctl, "the segments cannot be read", r);
        if (!audit->balance.moved && !audit->balance.finding_count)
            return CTL_OK;
        moved = has_moved(audit, ctl, &code);
    }
    if (moved < 0)
        return code;
    return audit->balance.moved
               ? ctl_fail(ctl, "segments vanish while they are read", -EBUSY)
               : CTL_OK;
}

static int
audit_cloud(struct audit *audit, struct ctl *ctl)
{
    const struct idset_sum *sum = &audit->cloud.sum;
    int code = audit_cloud_count(&audit->cloud, ctl, &audit->shipped);

    if (code)
        return code;
    if (sum->missing)
        balance_find(&audit->balance, "missing_in_cloudwatch", 0,
                     "%" PRIu64 " delivered entries are not there%s; one is %s",
                     sum->missing,
                     audit->cloud.group_missing ? ", nor is the log group" : "",
                     sum->first_missing);
    if (sum->more)
        balance_find(&audit->balance, "repeated_in_cloudwatch", 0,
                     "%" PRIu64 " entries are there more than once; one is %s",
                     sum->more, sum->first_more);
    return CTL_OK;
}

static void
print_cloud_json(const struct audit_cloud *cloud)
{
    char first[PRINT_SIZE], last[PRINT_SIZE];

    printf(",\"cloudwatch\":{\"expected\":%" PRIu64 ",\"once\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"moreThanOnce\":%" PRIu64
           ",\"others\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"expired\":%" PRIu64
           ",\"unreadable\":%" PRIu64 ",\"first\":%s,\"last\":%s}",
           cloud->expected, cloud->sum.once, cloud->sum.missing,
           cloud->sum.more, cloud->others, cloud->dead, cloud->expired,
           cloud->unreadable, print_time_json(cloud->first_ms, first),
           print_time_json(cloud->last_ms, last));
}

static void
print_findings_json(const struct balance *balance)
{
    for (size_t i = 0; i < balance->finding_count && i < BALANCE_FINDINGS_MAX;
         i++) {
        const struct balance_finding *one = &balance->findings[i];
        char name[SPOOL_NAME_SIZE];

        printf("%s{\"finding\":\"%s\",\"segment\":", i ? "," : "", one->kind);
        print_json_text(one->segment ? spool_name(one->segment, name) : NULL);
        fputs(",\"detail\":", stdout);
        print_json_text(one->detail);
        putchar('}');
    }
}

static void
print_json(const struct audit *audit)
{
    const struct balance *balance = &audit->balance;
    const struct checkpoint *checkpoint = &audit->shipped.checkpoint;

    printf("{\"balanced\":%s,\"accepted\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"pending\":%" PRIu64 ",\"retrying\":%" PRIu64 ",\"dead\":%" PRIu64
           ",\"dropped\":%" PRIu64 ",\"replayed\":%" PRIu64
           ",\"inBadBytes\":%" PRIu64 ",\"difference\":%" PRId64,
           balance->difference ? "false" : "true", balance->accepted,
           balance->counts.delivered, balance->pending, balance->retrying,
           balance->counts.dead, balance->counts.dropped,
           balance->counts.replayed, balance->in_bad_bytes,
           balance->difference);
    printf(",\"checkpoint\":{\"state\":\"%s\",\"segment\":%" PRIu64
           ",\"offset\":%" PRIu64 "}",
           shipped_state(&audit->shipped), checkpoint->position.segment,
           checkpoint->position.offset);
    printf(",\"deadLetters\":{\"entries\":%" PRIu64 ",\"badRuns\":%" PRIu64
           ",\"dropped\":%" PRIu64 ",\"retried\":%" PRIu64
           ",\"unreadable\":%" PRIu64 "}",
           audit->letters.entries, audit->letters.runs, audit->letters.dropped,
           audit->letters.retried, audit->letters.unreadable);
    if (audit->ask_cloud)
        print_cloud_json(&audit->cloud);
    fputs(",\"findings\":[", stdout);
    print_findings_json(balance);
    puts("]}");
}

static void
print_number(const char *what, uint64_t number)
{
    printf("%-12s %12" PRIu64 "  ", what, number);
}

static void
print_sources(const struct audit *audit)
{
    const struct balance *balance = &audit->balance;
    const struct checkpoint *checkpoint = &audit->shipped.checkpoint;
    const char *state = audit->shipped.state == SHIPPED_KNOWN
                            ? SPOOL_CHECKPOINT
                            : "there is no good " SPOOL_CHECKPOINT;
    char name[SPOOL_NAME_SIZE];

    print_number("accepted", balance->accepted);
    if (balance->highest)
        printf("%" PRIu64 " before %s, %" PRIu64 " lines in it\n",
               balance->before, spool_name(balance->highest, name),
               balance->accepted - balance->before);
    else
        puts("there is no segment: all that the checkpoint counts");
    print_number("delivered", balance->counts.delivered);
    puts(state);
    print_number("pending", balance->pending);
    if (checkpoint->position.segment)
        printf("lines behind %s:%" PRIu64 ", the checkpoint's position\n",
               spool_name(checkpoint->position.segment, name),
               checkpoint->position.offset);
    else
        puts("all lines, as there is no checkpoint's position");
    if (balance->retrying) {
        print_number("  retrying", balance->retrying);
        puts("of them were dead letters, and wait in " SPOOL_RETRY "/");
    }
    print_number("dead", balance->counts.dead);
    printf("%s; %" PRIu64 " in the dead-letter files\n", state,
           audit->letters.entries);
    print_number("dropped", balance->counts.dropped);
    puts(state);
    if (balance->bad_runs) {
        print_number("in bad bytes", balance->in_bad_bytes);
        printf("accepted entries that are bad bytes now, in %" PRIu64
               " run%s that verify names\n",
               balance->bad_runs, balance->bad_runs == 1 ? "" : "s");
    }
}

static void
print_cloud(const struct audit_cloud *cloud)
{
    char first[PRINT_SIZE], last[PRINT_SIZE];

    print_number("cloudwatch", cloud->sum.once);
    printf("there once, of %" PRIu64 " delivered entries that the spool still "
           "holds\n",
           cloud->expected);
    if (cloud->expected)
        printf("%27sreceived from %s to %s\n", "",
               print_time(cloud->first_ms, first),
               print_time(cloud->last_ms, last));
    print_number("missing", cloud->sum.missing);
    puts("that CloudWatch does not show");
    print_number("repeated", cloud->sum.more);
    puts("that it shows more than once");
    if (cloud->expired) {
        print_number("expired", cloud->expired);
        puts("older than the log group's retention, and not looked for");
    }
    if (cloud->unreadable) {
        print_number("no eventId", cloud->unreadable);
        puts("entries whose eventId is none, and not looked for");
    }
}

static void
print_text(const struct audit *audit)
{
    const struct balance *balance = &audit->balance;

    print_sources(audit);
    if (audit->ask_cloud)
        print_cloud(&audit->cloud);
    for (size_t i = 0; i < balance->finding_count && i < BALANCE_FINDINGS_MAX;
         i++) {
        const struct balance_finding *one = &balance->findings[i];
        char name[SPOOL_NAME_SIZE] = "";

        if (one->segment)
            (void)spool_name(one->segment, name);
        printf("%s%s%s%s%s: %s\n", name, *name ? ": " : "",
               print_colour(PRINT_BAD), one->kind, print_end(), one->detail);
    }
    if (balance->finding_count > BALANCE_FINDINGS_MAX)
        printf("and %zu findings more\n",
               balance->finding_count - BALANCE_FINDINGS_MAX);
    if (!balance->finding_count)
        printf("%sbalanced%s\n", print_colour(PRINT_GOOD), print_end());
}

static int
parse(struct ctl *ctl, struct audit *audit, int argc, char **argv)
{
    static const struct option known[] = {
        CTL_AWS_OPTIONS,
        {"cloudwatch", no_argument, NULL, OPTION_CLOUDWATCH},
        {NULL, 0, NULL, 0},
    };
    int c, code;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == OPTION_CLOUDWATCH) {
            audit->ask_cloud = true;
            continue;
        }
        code = ctl_option(ctl, &command_audit, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return ctl_usage(&command_audit, "%s: no arguments are taken",
                         argv[optind]);
    return -1;
}

static int
audit_run(struct ctl *ctl, int argc, char **argv)
{
    struct audit audit = {.shipped = {.state = SHIPPED_NONE}};
    int code;

    code = parse(ctl, &audit, argc, argv);
    if (code >= 0)
        return code;
    code = ctl_open(ctl);
    if (!code)
        code = audit_spool(&audit, ctl);
    if (!code && audit.ask_cloud)
        code = audit_cloud(&audit, ctl);
    if (!code) {
        if (ctl->json)
            print_json(&audit);
        else
            print_text(&audit);
        code = audit.balance.finding_count ? CTL_FINDINGS : CTL_OK;
    }
    shipped_deinit(&audit.shipped);
    return code;
}

const struct command command_audit = {
    .name = "audit",
    .arguments = "[--cloudwatch]",
    .about = "Whether every accepted entry is accounted for",
    .help =
        "  --cloudwatch      count too what CloudWatch holds of the delivered "
        "entries\n"
        "                    that the spool still has, by eventId\n"
        "\n"
        "accepted = delivered + pending + dead + dropped, from the files "
        "alone, whether\nthe daemons run or not. Each number is told with "
        "where it comes from. Entries\nthat a disk has turned into bad bytes "
        "are counted apart; the bytes are kept.\n"
        "\n"
        "Findings: unaccounted, too_many (the sum), missing_segment, "
        "entries_missing,\ncount_differs (a segment against its successor's "
        "first line), checkpoint_ahead,\ncheckpoint_broken, "
        "dead_letters_missing; missing_in_cloudwatch,\n"
        "repeated_in_cloudwatch. Exit code 1 where there is one.\n",
    .calls_aws = true,
    .run = audit_run,
};
