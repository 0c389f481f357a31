/*
 * Whether all is well is told from the backlog, whatever the processes do.
 */
#include "shipper/ctl/health_judge.h"
#include "shipper/ctl/overview.h"
#include "tests/check.h"

#define NOW INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define MIB (UINT64_C(1) << 20)

static struct overview overview;
static struct health_facts facts;
static struct health health;

/* All is well. */
static void
begin(void)
{
    overview = (struct overview){
        .now_ms = NOW,
        .ingest_lives = 1,
        .shipper_lives = 1,
        .pulse = {.known = true,
                  .updated_ms = NOW - 500,
                  .last_success_ms = NOW - 500},
        .free_bytes = 1000 * MIB,
        .free_least = 100 * MIB,
    };
    facts = (struct health_facts){.max_unshipped = 100 * MIB};
}

static enum health_level
judge(void)
{
    health_judge(&health, &overview, &facts, &health_defaults);
    return health.level;
}

static void
an_idle_spool_is_well(void)
{
    begin();
    overview.pulse.last_success_ms = NOW - 3 * DAY;
    CHECK_INT(judge(), HEALTH_OK);
    CHECK_INT(health.count, 0);
    CHECK_INT(health.room, 100);
}

static void
entries_that_wait_without_success_are_critical(void)
{
    begin();
    overview.oldest_unshipped = NOW - 5 * MINUTE;
    overview.pulse.last_success_ms = NOW - 5 * MINUTE;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    overview.pulse.last_success_ms = 0; /* never */
    CHECK_INT(judge(), HEALTH_CRITICAL);
    overview.pulse.last_success_ms = NOW - 5 * MINUTE + 1;
    CHECK_INT(judge(), HEALTH_WARNING); /* its lag */
    overview.pulse.last_success_ms = NOW - 3 * DAY;
    overview.oldest_unshipped = NOW - MINUTE; /* after a quiet time */
    CHECK_INT(judge(), HEALTH_OK);
}

static void
lag_counts_though_there_is_success(void)
{
    begin();
    overview.oldest_unshipped = NOW - 2 * MINUTE;
    CHECK_INT(judge(), HEALTH_OK);
    overview.oldest_unshipped--;
    CHECK_INT(judge(), HEALTH_WARNING);
    overview.oldest_unshipped = NOW - 15 * MINUTE - 1;
    CHECK_INT(judge(), HEALTH_CRITICAL);
}

static void
room_is_what_both_spool_and_disk_leave(void)
{
    begin();
    overview.unshipped_bytes = 50 * MIB;
    CHECK_INT(judge(), HEALTH_OK);
    CHECK_INT(health.room, 50);
    overview.unshipped_bytes = 51 * MIB;
    CHECK_INT(judge(), HEALTH_WARNING);
    overview.unshipped_bytes = 200 * MIB;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    CHECK_INT(health.room, 0);
    begin();
    overview.free_bytes = 109 * MIB;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    CHECK_INT(health.room, 9);
    overview.free_bytes = 50 * MIB;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    CHECK_INT(health.room, 0);
}

static void
dead_letters_and_the_certificate_are_counted(void)
{
    begin();
    overview.letters.runs = 1;
    CHECK_INT(judge(), HEALTH_WARNING);
    overview.letters.entries = 100;
    CHECK_INT(judge(), HEALTH_CRITICAL);

    begin();
    facts.has_certificate = true;
    facts.certificate_after_ms = NOW + 15 * DAY;
    CHECK_INT(judge(), HEALTH_OK);
    facts.certificate_after_ms = NOW + 13 * DAY;
    CHECK_INT(judge(), HEALTH_WARNING);
    facts.certificate_after_ms = NOW - DAY;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    facts.certificate_error = -2;
    CHECK_INT(judge(), HEALTH_UNKNOWN);
    CHECK(!health.has_certificate);
}

static void
the_worst_is_told_first(void)
{
    begin();
    overview.shipper_lives = -13;
    overview.letters.entries = 1;
    facts.draining = true;
    CHECK_INT(judge(), HEALTH_WARNING);
    CHECK_INT(health.findings[2].level, HEALTH_UNKNOWN);
    overview.ingest_lives = 0;
    CHECK_INT(judge(), HEALTH_CRITICAL);
    CHECK_INT(health.count, 4);
    CHECK_STR(health.findings[0].text, "ingest is not running");
}

static void
shipper_is_heard(void)
{
    begin();
    overview.pulse.updated_ms = NOW - 31000;
    CHECK_INT(judge(), HEALTH_WARNING);
    begin();
    (void)strcpy(overview.pulse.state, "holding");
    (void)strcpy(overview.pulse.error_code, "a|b");
    CHECK_INT(judge(), HEALTH_CRITICAL);
    CHECK_STR(health.findings[0].text, "shipper holds: a/b");
    overview.shipper_lives = 0; /* then its last word is old */
    CHECK_INT(judge(), HEALTH_WARNING);
}

int
main(void)
{
    an_idle_spool_is_well();
    entries_that_wait_without_success_are_critical();
    lag_counts_though_there_is_success();
    room_is_what_both_spool_and_disk_leave();
    dead_letters_and_the_certificate_are_counted();
    the_worst_is_told_first();
    shipper_is_heard();
    return 0;
}
