#include "shipper/ctl/overview.h"

#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"

#include <inttypes.h>
#include <stdio.h>

static const char *
lives_json(int lives)
{
    return lives < 0 ? "null" : lives ? "true" : "false";
}

static void
time_json(const char *name, const struct door_time *time)
{
    if (time->known)
        printf(",\"%s\":{\"p50Us\":%" PRIu64 ",\"p99Us\":%" PRIu64 "}", name,
               time->p50_us, time->p99_us);
    else
        printf(",\"%s\":null", name);
}

static void
ingest_json(const struct overview *overview)
{
    const struct door *door = &overview->door;

    printf(",\"ingest\":{\"running\":%s", lives_json(overview->ingest_lives));
    if (door->known) {
        printf(",\"version\":");
        print_json_text(door->version);
        printf(",\"uptimeSeconds\":%" PRIu64 ",\"eventsPerSecond\":%.1f"
               ",\"lastHour\":{",
               door->uptime_s, door->per_second);
        for (size_t i = 0; i < door->event_count; i++) {
            fputs(i ? "," : "", stdout);
            print_json_text(door->events[i].name);
            printf(":%" PRIu64, door->events[i].accepted);
        }
        putchar('}');
        time_json("requests", &door->requests);
        time_json("commits", &door->commits);
    }
    putchar('}');
}

static void
ends_json(const struct ends *ends)
{
    char time[PRINT_SIZE];

    printf(",\"ends\":{\"credentials\":%s",
           print_time_json(ends->credentials_ms, time));
    printf(",\"certificate\":%s},\"secrets\":{",
           print_time_json(ends->certificate_ms, time));
    for (int i = 0; i < ENDS_SECRETS; i++)
        printf("%s\"%s\":%s", i ? "," : "", ends_secret_name(i),
               print_time_json(ends->secrets_ms[i], time));
    putchar('}');
}

static void
checkpoint_json(const struct shipped *shipped)
{
    const struct checkpoint *checkpoint = &shipped->checkpoint;

    printf("\"checkpoint\":{\"state\":\"%s\",\"segment\":%" PRIu64
           ",\"offset\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"dead\":%" PRIu64
           ",\"dropped\":%" PRIu64 ",\"savedAt\":",
           shipped_state(shipped), checkpoint->position.segment,
           checkpoint->position.offset, checkpoint->counts.delivered,
           checkpoint->counts.dead, checkpoint->counts.dropped);
    print_json_text(*checkpoint->saved_at ? checkpoint->saved_at : NULL);
    putchar('}');
}

void
overview_print_json(const struct overview *overview, const struct ctl *ctl)
{
    const struct letters *letters = &overview->letters;
    char now[PRINT_SIZE], oldest[PRINT_SIZE], name[SPOOL_NAME_SIZE];

    printf("{\"time\":%s,\"dir\":", print_time_json(overview->now_ms, now));
    print_json_text(ctl->dir);
    ingest_json(overview);
    printf(",\"shipper\":{\"running\":%s,\"status\":%s}",
           lives_json(overview->shipper_lives),
           overview->pulse.known ? overview->pulse.raw : "null");
    printf(",\"spool\":{\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"unshippedBytes\":%" PRIu64 ",\"maxUnshippedBytes\":%" PRId64
           ",\"oldestUnshipped\":%s,\"lagSeconds\":%.3f}",
           overview->segments, overview->bytes, overview->unshipped_bytes,
           ctl->settings.spool.max_unshipped,
           print_time_json(overview->oldest_unshipped, oldest),
           overview->oldest_unshipped
               ? (double)(overview->now_ms - overview->oldest_unshipped) / 1000
               : 0.0);
    printf(",\"disk\":{\"freeBytes\":%" PRIu64 ",\"keptBytes\":%" PRIu64 "},",
           overview->free_bytes, overview->free_least);
    checkpoint_json(&overview->shipped);
    ends_json(&overview->ends);
    printf(",\"deadLetters\":{\"entries\":%" PRIu64 ",\"badRuns\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"firstBadRun\":",
           letters->entries, letters->runs, letters->bytes);
    if (letters->runs)
        printf("{\"segment\":\"%s\",\"offset\":%" PRIu64 "}}}\n",
               spool_name(letters->first_run.segment, name),
               letters->first_run.offset);
    else
        puts("null}}");
}
