#include "shipper/stream_inner.h"

#include "common/clock.h"
#include "common/line.h"
#include "common/log.h"
#include "shipper/batch.h"
#include "shipper/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    /* So many refused alone, one after the other, and the stream itself may be
     * what is refused: that is found out before more calls are made. */
    SUSPECTS_MAX = 8,
    PROBE_MAX = 256,
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
    char line[PROBE_MAX];
    unsigned char id[16];
    int len;

    if (getrandom(id, sizeof(id), 0) != sizeof(id))
        abort(); /* only before the kernel has any, at boot */
    len = snprintf(line, sizeof(line),
                   LINE_PREFIX
                   "\"eventId\":\"%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-"
                   "%02x%02x%02x%02x%02x%02x\",\"logCategory\":\"clickspool\","
                   "\"action\":\"probe\",\"reason\":\"an entry before this "
                   "one was refused\"}\n",
                   id[0], id[1], id[2], id[3], id[4], id[5], id[6] & 15, id[7],
                   id[8] & 15, id[9], id[10], id[11], id[12], id[13], id[14],
                   id[15]);
    line_seal(line, (size_t)len, now_ms);
    return batch_add(stream->part, (struct slice){line, (size_t)len - 1},
                     now_ms, stream->sending->next, stream->sending->next);
}

int
stream_make_part(struct stream *stream)
{
    struct sift_range range = stream_part_range(stream);
    int r;

    if (stream->part || (!stream->sifting && !stream->delivered))
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
