#include "shipper/heartbeat.h"

#include "common/buf.h"
#include "common/checkpoint.h"
#include "common/clock.h"
#include "common/log.h"
#include "shipper/own_entry.h"
#include "shipper/stream.h"

#include <inttypes.h>

enum {
    ENTRY_MAX = 4096,
    AGAIN_MS = 5000, /* entries come first where one is refused */
};

void
heartbeat_init(struct heartbeat *heartbeat, int dirfd, int64_t every_ms)
{
    *heartbeat = (struct heartbeat){
        .dirfd = dirfd,
        .every_ms = every_ms,
        .due_ms = clock_mono_us() / 1000 + every_ms,
    };
}

bool
heartbeat_is_due(const struct heartbeat *heartbeat)
{
    return heartbeat->every_ms && !heartbeat->under_way &&
           clock_mono_us() / 1000 >= heartbeat->due_ms;
}

/* Return: whether both counts are of these places. */
static bool
count_entries(struct heartbeat *heartbeat, const struct heartbeat_facts *facts)
{
    return accepted_move(&heartbeat->end, heartbeat->dirfd, facts->end) == 1 &&
           accepted_move(&heartbeat->read, heartbeat->dirfd, facts->read) == 1;
}

void
heartbeat_follow(struct heartbeat *heartbeat,
                 const struct heartbeat_facts *facts)
{
    if (heartbeat->every_ms)
        (void)count_entries(heartbeat, facts);
}

static struct slice
form(const struct heartbeat *heartbeat, const struct heartbeat_facts *facts,
     uint64_t letters, struct buf *out)
{
    uint64_t accepted = heartbeat->end.entries;
    uint64_t pending =
        accepted - heartbeat->read.entries + facts->unsettled + letters;

    own_entry_begin(out, "heartbeat");
    (void)buf_printf(out,
                     ",\"accepted\":%" PRIu64 ",\"delivered\":%" PRIu64
                     ",\"pending\":%" PRIu64 ",\"dead\":%" PRIu64
                     ",\"dropped\":%" PRIu64 ",\"replayed\":%" PRIu64
                     ",\"lagBytes\":%" PRIu64,
                     accepted, facts->counts->delivered, pending,
                     facts->counts->dead, facts->counts->dropped,
                     facts->counts->replayed, facts->lag_bytes);
    return own_entry_end(out, facts->now_ms);
}

void
heartbeat_say(struct heartbeat *heartbeat, struct stream *stream,
              const struct heartbeat_facts *facts)
{
    uint64_t letters;
    struct slice line;
    struct buf text;

    if (stream_busy(stream) || !count_entries(heartbeat, facts) ||
        accepted_letters(heartbeat->dirfd, facts->retry, &letters) < 0)
        return;
    buf_init(&text, ENTRY_MAX);
    line = form(heartbeat, facts, letters, &text);
    heartbeat->under_way = line.len && stream_say(stream, line, facts->now_ms);
    buf_deinit(&text);
}

void
heartbeat_said(struct heartbeat *heartbeat, bool taken)
{
    int64_t wait_ms = heartbeat->every_ms;

    heartbeat->under_way = false;
    if (!taken && wait_ms > AGAIN_MS)
        wait_ms = AGAIN_MS;
    heartbeat->due_ms = clock_mono_us() / 1000 + wait_ms;
    log_debug("heartbeat", log_text("taken", taken ? "yes" : "no"), );
}
