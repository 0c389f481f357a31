/*
 * A lane hands each entry to its stream once, whichever stream is slow.
 */
#include "shipper/lane.h"

#include "common/buf.h"
#include "common/line.h"
#include "common/settings.h"
#include "shipper/cwlogs.h"
#include "shipper/dead_letter.h"
#include "shipper/figures.h"
#include "shipper/stream.h"
#include "shipper/tally.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"
#include "tests/unit/scratch.h"

#include <sys/stat.h>
#include <unistd.h>

enum { SLOW_US = 300 * 1000 };

struct setting {
    struct scratch scratch;
    uv_loop_t loop;
    struct settings settings;
    struct figures figures;
    struct route route;
    struct tally *tally;
    struct stream_world world;
    struct lane *lane;
    uint64_t delivered;
};

static void
on_settled(void *owner, struct stream *stream, uint64_t delivered,
           uint64_t dead)
{
    struct setting *setting = owner;

    (void)stream;
    (void)dead;
    setting->delivered += delivered;
}

static void
on_sending(void *owner, struct stream *stream)
{
    (void)owner;
    (void)stream;
}

static bool
may_read(void *owner, const struct spool_item *item)
{
    (void)owner;
    (void)item;
    return true;
}

static void
on_read(void *owner, bool retry, int error)
{
    (void)owner;
    (void)retry;
    CHECK_INT(error, 0);
}

static void
begin(struct setting *setting)
{
    *setting = (struct setting){0};
    fake_aws = (struct fake_aws){0};
    scratch_open(&setting->scratch);
    CHECK(!mkdirat(setting->scratch.dirfd, SPOOL_RETRY, 0770));
    CHECK(!settings_load(&setting->settings, "/dev/null", true));
    setting->settings.shipper.resolve_ambiguous = false;
    CHECK(!uv_loop_init(&setting->loop));
    route_init(&setting->route, &setting->settings);
    setting->route.stream = "{category}";
    setting->route.by_category = true;
    setting->world = (struct stream_world){
        .loop = &setting->loop,
        .settings = &setting->settings,
        .dirfd = setting->scratch.dirfd,
        .owner = setting,
        .sending = on_sending,
        .settled = on_settled,
        .figures = &setting->figures,
    };
    CHECK(!tally_open(&setting->tally, setting->scratch.dirfd));
    CHECK(!dead_letter_open(&setting->world.dead, setting->scratch.dirfd,
                            1 << 20, (struct spool_position){0}));
    CHECK(!lane_new(&setting->lane, &(struct lane_sources){
                                        .world = &setting->world,
                                        .route = &setting->route,
                                        .tally = setting->tally,
                                        .retry = true,
                                        .may_read = may_read,
                                        .read = on_read,
                                        .owner = setting,
                                    }));
}

static void
end(struct setting *setting)
{
    lane_close(setting->lane);
    (void)uv_run(&setting->loop, UV_RUN_DEFAULT);
    CHECK(!uv_loop_close(&setting->loop));
    lane_free(setting->lane);
    dead_letter_close(setting->world.dead);
    tally_close(setting->tally);
    settings_free(&setting->settings);
    scratch_close(&setting->scratch);
}

/* File @number of retry/, with @count entries of category "slow". */
static void
put_file(const struct setting *setting, uint64_t number, unsigned count)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    CHECK(!spool_control_write(&text,
                               &(struct spool_control){.ts = 1000,
                                                       .kind = SPOOL_LETTERS}));
    for (unsigned i = 0; i < count; i++) {
        size_t from = text.len;

        (void)buf_printf(&text,
                         LINE_PREFIX
                         "\"eventId\":\"00000000-0000-7000-8000-%012u\","
                         "\"logCategory\":\"slow\"}\n",
                         (unsigned)number * 100 + i);
        line_seal(text.data + from, text.len - from, 1000);
    }
    scratch_put_segment(&setting->scratch, SPOOL_RETRY_BASE + number, text.data,
                        text.len);
    buf_deinit(&text);
}

static void
turn(struct setting *setting)
{
    lane_fill(setting->lane, true);
    lane_poke(setting->lane, setting->lane, true);
}

/* A batch is of one file, so a file each makes the stream full soon. */
static void
a_stream_left_behind_passes_over_no_file(void)
{
    struct setting setting;

    begin(&setting);
    put_file(&setting, 1, 1);
    turn(&setting); /* on its way, and not answered */
    put_file(&setting, 2, 1);
    put_file(&setting, 3, 2);
    turn(&setting);
    (void)usleep(SLOW_US);
    turn(&setting); /* it is left behind, within file 3 */
    put_file(&setting, 4, 1);
    turn(&setting);
    CHECK_INT(lane_read(setting.lane).segment, SPOOL_RETRY_BASE + 4);
    for (int i = 0; i < 10; i++) {
        if (fake_aws.call)
            fake_aws_ok(CWLOGS_PUT, "{}");
        turn(&setting);
    }
    CHECK_INT(setting.delivered, 5);
    CHECK_INT(lane_unsettled(setting.lane), 0);
    CHECK(!spool_position_compare(lane_position(setting.lane),
                                  lane_end(setting.lane)));
    end(&setting);
}

static bool
is_no_letter(void *owner, uint64_t segment)
{
    (void)owner;
    (void)segment;
    return false;
}

static void
what_is_outside_the_counts_is_not_unsettled(void)
{
    struct setting setting;

    begin(&setting);
    setting.world.buries = is_no_letter;
    for (uint64_t number = 1; number <= 4; number++) {
        put_file(&setting, number, 1);
        turn(&setting);
    }
    (void)usleep(SLOW_US);
    turn(&setting); /* it is left behind, ... */
    turn(&setting); /* ... and the next file passed over */
    CHECK_INT(lane_read(setting.lane).segment, SPOOL_RETRY_BASE + 4);
    CHECK_INT(lane_unsettled(setting.lane), 0);
    end(&setting);
}

int
main(void)
{
    a_stream_left_behind_passes_over_no_file();
    what_is_outside_the_counts_is_not_unsettled();
    return 0;
}
