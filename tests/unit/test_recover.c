/*
 * Where a dead writer's last segment ends: never past an unacknowledged line,
 * never before an acknowledged one.
 */
#include "common/buf.h"
#include "common/recover.h"
#include "common/synced.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

#include <errno.h>

enum { LINES = 4, TS = 5000 };

static struct scratch scratch;
static struct buf text;
static size_t ends[LINES + 1]; /* ends[0] is the control line's */

static void
begin(void)
{
    scratch_open(&scratch);
    buf_init(&text, 1 << 20);
    scratch_control(&text, 0, 0, 0, TS);
    ends[0] = text.len;
    for (unsigned i = 1; i <= LINES; i++) {
        scratch_line(&text, i, TS + (int)i);
        ends[i] = text.len;
    }
}

static void
end(void)
{
    buf_deinit(&text);
    scratch_close(&scratch);
}

static void
ends_at(const struct synced *synced, uint64_t offset, unsigned entries)
{
    struct recovered out;

    CHECK(!recover_end(scratch.dirfd, 1, synced, &out));
    CHECK_INT(out.end, offset);
    CHECK_INT(out.entries, entries);
    CHECK_INT(out.last_ts, TS + (int)entries);
}

static void
after_a_power_cut_the_last_whole_line_is_the_end(void)
{
    struct recovered out;

    begin();
    for (size_t cut = 0; cut <= text.len; cut++) {
        unsigned whole = 0;

        scratch_put_segment(&scratch, 1, text.data, cut);
        if (cut < ends[0]) {
            CHECK_INT(recover_end(scratch.dirfd, 1, NULL, &out), SPOOL_VOID);
            continue;
        }
        while (whole < LINES && ends[whole + 1] <= cut)
            whole++;
        ends_at(NULL, ends[whole], whole);
    }
    end();
}

static void
after_a_crash_the_published_end_is_the_end_whatever_follows(void)
{
    struct synced *synced;

    begin();
    CHECK(!synced_create(&synced, scratch.dirfd));
    for (unsigned acked = 0; acked <= LINES; acked++) {
        synced_publish(synced, (struct spool_position){1, ends[acked]});
        for (size_t cut = ends[acked]; cut <= text.len; cut++) {
            scratch_put_segment(&scratch, 1, text.data, cut);
            ends_at(synced, ends[acked], acked);
        }
    }
    synced_close(synced);
    end();
}

static void
damage_before_the_published_end_moves_it_not(void)
{
    struct synced *synced;

    begin();
    CHECK(!synced_create(&synced, scratch.dirfd));
    synced_publish(synced, (struct spool_position){1, ends[3]});
    text.data[ends[3] - 5] = '\0';
    scratch_put_segment(&scratch, 1, text.data, text.len);
    ends_at(synced, ends[3], 2);
    synced_close(synced);
    end();
}

static void
a_page_of_another_segment_or_beyond_the_file_is_not_believed(void)
{
    struct synced *synced;

    begin();
    CHECK(!synced_create(&synced, scratch.dirfd));
    scratch_put_segment(&scratch, 1, text.data, text.len);
    ends_at(synced, ends[LINES], LINES); /* nothing was published */
    synced_publish(synced, (struct spool_position){2, ends[1]});
    ends_at(synced, ends[LINES], LINES);
    synced_publish(synced, (struct spool_position){1, text.len + 1});
    ends_at(synced, ends[LINES], LINES);
    synced_close(synced);
    end();
}

static void
zeros_and_garbage_at_the_end_are_no_part_of_it(void)
{
    static const char zeros[9000], garbage[] = "{\"_crc\":\"garbage\n\n}\n";

    begin();
    CHECK(!buf_append(&text, zeros, sizeof(zeros)));
    CHECK(!buf_append(&text, garbage, sizeof(garbage)));
    scratch_put_segment(&scratch, 1, text.data, text.len);
    ends_at(NULL, ends[LINES], LINES);
    end();
}

/* A torn page between two good ones: what is behind it may be acknowledged. */
static void
a_hole_in_the_middle_hides_not_what_follows_it(void)
{
    struct recovered out;

    begin();
    memset(text.data + ends[1], 0, ends[2] - ends[1]);
    scratch_put_segment(&scratch, 1, text.data, text.len);
    CHECK(!recover_end(scratch.dirfd, 1, NULL, &out));
    CHECK_INT(out.end, ends[LINES]);
    CHECK_INT(out.entries, LINES - 1);
    CHECK_INT(recover_end(scratch.dirfd, 2, NULL, &out), -ENOENT);
    end();
}

int
main(void)
{
    after_a_power_cut_the_last_whole_line_is_the_end();
    after_a_crash_the_published_end_is_the_end_whatever_follows();
    damage_before_the_published_end_moves_it_not();
    a_page_of_another_segment_or_beyond_the_file_is_not_believed();
    zeros_and_garbage_at_the_end_are_no_part_of_it();
    a_hole_in_the_middle_hides_not_what_follows_it();
    return 0;
}
