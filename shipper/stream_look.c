#include "shipper/stream_inner.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/settings.h"
#include "shipper/batch.h"
#include "shipper/figures.h"

#include <errno.h>

void
stream_look_up(struct stream *stream)
{
    int r = lookup_start(stream->lookup, stream_wire(stream), stream->until_us);

    stream->state = r ? STREAM_WAITING : STREAM_LOOKING;
    if (r)
        stream_fail_locally(stream, r);
}

static void
wait_for_it(struct stream *stream)
{
    stream->doubtful = true;
    stream->until_us =
        clock_mono_us() + stream->world->settings->shipper.resolve_wait * 1000;
    stream_go_on(stream);
}

/* No answer tells what became of the call. */
void
stream_doubt(struct stream *stream, const struct aws_answer *answer)
{
    stream->failures++;
    stream_note_error(stream, answer->code, answer->message);
    log_warning("ship_unknown", log_text("stream", stream->name),
                log_text("code", answer->code),
                log_text("message", answer->message),
                log_int("entries", (int64_t)stream_wire(stream)->count),
                log_text("next", "CloudWatch is asked for it"), );
    wait_for_it(stream);
}

/* Entries that were seen are done. */
static void
set_aside_seen(struct stream *stream)
{
    struct sift_range range = stream_part_range(stream);
    struct batch *whole = stream->sending;
    size_t index = 0;

    for (size_t i = range.from; i < range.to; i++) {
        struct batch_entry *entry = &whole->entries[i];

        if (entry->done)
            continue;
        entry->done = lookup_saw(stream->lookup, index++);
        stream->delivered += entry->done;
    }
    stream_free_part(stream);
}

static void
note_looked(struct stream *stream, enum lookup_end end)
{
    static const char *const found[] = {
        [LOOKUP_ALL] = "all",
        [LOOKUP_SOME] = "some",
        [LOOKUP_NONE] = "none",
        [LOOKUP_FORBIDDEN] = "unknown",
    };
    bool again = stream->until_us != 0;

    if (end == LOOKUP_FORBIDDEN && !stream->world->blind) {
        stream->world->blind = true;
        log_warning("lookup_forbidden", log_text("stream", stream->name),
                    log_text("next", "batches of unknown fate are sent again; "
                                     "allow logs:GetLogEvents"), );
    }
    if (!again && end == LOOKUP_NONE)
        return; /* as nearly always after a start */
    stream->world->figures->ambiguous[end]++;
    log_notice("ship_looked_up", log_text("stream", stream->name),
               log_int("entries", (int64_t)stream_wire(stream)->count),
               log_text("found", found[end]), );
}

/* Which proves nothing: it is looked again, however long that takes. */
static void
look_failed(struct stream *stream, const struct aws_answer *answer)
{
    stream->state = STREAM_WAITING;
    if (!answer)
        stream_fail_locally(stream, -ENOMEM);
    else if (answer->advice == AWS_CLOCK)
        stream_again(stream, answer);
    else
        stream_wait_after(stream, answer);
}

void
stream_look_no_further(struct stream *stream)
{
    stream->look = false;
    stream->doubt_end = (struct spool_position){0};
}

void
stream_looked(void *owner, enum lookup_end end, const struct aws_answer *answer)
{
    struct stream *stream = owner;
    size_t count = stream_wire(stream)->count;

    if (end == LOOKUP_FAILED) {
        look_failed(stream, answer);
        return;
    }
    note_looked(stream, end);
    if (end == LOOKUP_SOME && !stream->until_us) {
        wait_for_it(stream); /* the rest may show late */
        return;
    }
    stream->unseen = end == LOOKUP_NONE;
    if (end == LOOKUP_FORBIDDEN)
        stream_look_no_further(stream);
    if (end != LOOKUP_FORBIDDEN)
        stream->failures = 0; /* the service is there */
    stream->doubtful = false;
    stream->rejected = (struct cwlogs_rejected){.tail = count};
    if (end == LOOKUP_ALL) {
        stream_settle(stream);
        return;
    }
    if (end == LOOKUP_SOME)
        set_aside_seen(stream);
    if (end == LOOKUP_FORBIDDEN && stream->failures) {
        stream->state = STREAM_WAITING;
        stream_fail_locally(stream, -EACCES);
        return;
    }
    /* What is missing has had its time. */
    stream_go_on(stream);
}
