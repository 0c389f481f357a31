#include "shipper/stream_inner.h"

#include "common/clock.h"
#include "common/log.h"
#include "shipper/batch.h"
#include "shipper/own_entry.h"
#include "shipper/part.h"

#include <errno.h>

enum {
    /* So many refused alone, one after the other, and the stream itself may be
     * what is refused: that is found out before more calls are made. */
    SUSPECTS_MAX = 8,
    PROBE_MAX = 512,
};

struct sift_range
stream_part_range(const struct stream *stream)
{
    struct sift_range range = {0, stream->sending->count};

    if (stream->sifting)
        (void)sift_next(&stream->sift, &range);
    return range;
}

static bool
is_left(const struct stream *stream, struct sift_range range)
{
    for (size_t i = range.from; i < range.to; i++)
        if (!stream->sending->entries[i].done)
            return true;
    return false;
}

/* Return: whether entries are left to be sent. */
static bool
has_more(struct stream *stream)
{
    struct sift_range range;

    while (sift_next(&stream->sift, &range)) {
        if (is_left(stream, range))
            return true;
        sift_passed(&stream->sift);
    }
    return false;
}

/* An entry of our own, which nobody can refuse for its content: where it is
 * taken, the suspects are guilty. */
static int
make_probe(struct stream *stream)
{
    int64_t age_ms, now_ms = clock_wall_ms() +
                             aws_clock_offset_ms(stream->world->aws, &age_ms);
    struct spool_position next = stream->sending->next;
    struct slice line;
    struct buf text;
    int r = -ENOMEM;

    buf_init(&text, PROBE_MAX);
    own_entry_begin(&text, "probe");
    (void)buf_puts(&text, ",\"reason\":\"an entry before this one was "
                          "refused\"");
    line = own_entry_end(&text, now_ms);
    if (line.len)
        r = batch_add(stream->part, line, now_ms, next, next);
    buf_deinit(&text);
    return r;
}

int
stream_make_part(struct stream *stream)
{
    struct sift_range range = stream_part_range(stream);
    int r;

    if (stream->part ||
        (!stream->sifting && !stream->delivered && !stream->moved))
        return 0;
    r = batch_new(&stream->part, stream->group, stream->name);
    if (!r)
        r = stream->probing
                ? make_probe(stream)
                : part_build(stream->part, stream->sending, range.from,
                             range.to, stream->world->dirfd);
    if (r)
        stream_free_part(stream);
    return r;
}

/* What comes next is a part of the batch, or a probe.  Return: whether there
 * is either. */
static bool
choose_next(struct stream *stream)
{
    size_t suspects = stream->suspects.count;

    stream_free_part(stream);
    stream->probing =
        suspects >= SUSPECTS_MAX || (!has_more(stream) && suspects);
    return stream->probing || has_more(stream);
}

void
stream_refused(struct stream *stream, const struct aws_answer *answer)
{
    struct sift_range range;

    if (stream->probing) {
        stream->holding = true;
        stream_wait_after(stream, answer);
        return;
    }
    if (!stream->sifting) {
        stream->sifting = true;
        sift_begin(&stream->sift, stream->sending->count);
        log_warning("batch_refused", log_text("stream", stream->name),
                    log_text("code", answer->code),
                    log_text("message", answer->message),
                    log_int("entries", (int64_t)stream->sending->count),
                    log_text("next", "it is halved until the entries that are "
                                     "refused stand alone"), );
    }
    range = stream_part_range(stream);
    /* Without memory the entry is sent once more, later. */
    if (range.to - range.from == 1 &&
        suspects_add(&stream->suspects, range.from, answer->code,
                     answer->message) < 0) {
        stream_wait_after(stream, answer);
        return;
    }
    sift_refused(&stream->sift);
    (void)choose_next(stream);
    stream_go_on(stream);
}

static void
convict(struct stream *stream)
{
    stream->dead += stream->suspects.count;
    log_warning("entries_refused", log_text("stream", stream->name),
                log_int("entries", (int64_t)stream->suspects.count),
                log_text("next", "they are among the dead letters"), );
    suspects_clear(&stream->suspects);
    sift_convict(&stream->sift);
}

bool
stream_taken(struct stream *stream, uint64_t accepted, uint64_t dead)
{
    struct sift_range range = stream_part_range(stream);

    if (!stream->probing) {
        for (size_t i = range.from; i < range.to; i++)
            stream->sending->entries[i].done = true;
        stream->delivered += accepted;
        stream->dead += dead;
    }
    if (accepted && stream->suspects.count)
        convict(stream);
    if (!stream->sifting)
        return false;
    if (!stream->probing)
        sift_passed(&stream->sift);
    return choose_next(stream);
}
