/*
 * An entry is found wherever it stands, and what is older is not read.
 */
#include "common/buf.h"
#include "common/line.h"
#include "shipper/ctl/spool_find.h"
#include "tests/check.h"
#include "tests/unit/scratch.h"

enum { TS = 1000000, LINES = 30000, SEGMENTS = 3, BYTES = 16 * 1024 * 1024 };

static struct scratch scratch;
static size_t offsets[SEGMENTS][LINES];

static unsigned
id_at(unsigned segment, unsigned line)
{
    return segment * LINES + line + 1;
}

/* Each is several of the chunks in which it is read from the back. */
static void
fill(void)
{
    struct buf text;
    size_t end = 0;

    buf_init(&text, BYTES);
    for (unsigned segment = 0; segment < SEGMENTS; segment++) {
        buf_clear(&text);
        scratch_control(&text, segment, end, segment * LINES,
                        TS + (int)(segment * LINES));
        for (unsigned line = 0; line < LINES; line++) {
            unsigned id = id_at(segment, line);

            offsets[segment][line] = text.len;
            scratch_line(&text, id, TS + (int)id);
        }
        CHECK(!text.failed && text.len > (size_t)4 * LINE_LEN_MAX);
        end = text.len;
        scratch_put_segment(&scratch, segment + 1, text.data, text.len);
    }
    buf_deinit(&text);
}

static int
find(unsigned id, int64_t since, struct spool_found *found)
{
    struct buf line;
    char name[LINE_ID_LEN + 1] = "";
    int r;

    buf_init(&line, LINE_LEN_MAX);
    scratch_line(&line, id, TS);
    memcpy(name, line_event_id(line.data, line.len), LINE_ID_LEN);
    r = spool_find(found, scratch.dirfd, name, since);
    buf_deinit(&line);
    return r;
}

static void
each_is_found_where_it_stands(void)
{
    static const unsigned lines[] = {0, 1, LINES / 3, LINES - 1};
    struct spool_found found;

    for (unsigned segment = 0; segment < SEGMENTS; segment++)
        for (size_t i = 0; i < 4; i++) {
            unsigned id = id_at(segment, lines[i]);

            CHECK_INT(find(id, 0, &found), 1);
            CHECK_INT(found.position.segment, segment + 1);
            CHECK_INT(found.position.offset, offsets[segment][lines[i]]);
            CHECK_INT(found.ts, TS + (int)id);
        }
    CHECK_INT(find(id_at(SEGMENTS, 0), 0, &found), 0);
}

static void
what_is_older_is_not_looked_for(void)
{
    unsigned last = id_at(SEGMENTS - 1, LINES - 1);
    struct spool_found found;

    CHECK_INT(find(id_at(0, 0), TS + (int)last, &found), 0);
    CHECK_INT(find(last, TS + (int)last, &found), 1);
}

static void
an_empty_folder_holds_nothing(void)
{
    struct scratch empty = scratch;
    struct spool_found found;

    scratch_open(&scratch);
    CHECK_INT(find(1, 0, &found), 0);
    scratch_close(&scratch);
    scratch = empty;
}

int
main(void)
{
    scratch_open(&scratch);
    fill();
    each_is_found_where_it_stands();
    what_is_older_is_not_looked_for();
    an_empty_folder_holds_nothing();
    scratch_close(&scratch);
    return 0;
}
