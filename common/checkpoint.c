#include "common/checkpoint.h"

#include "common/buf.h"
#include "common/fileio.h"
#include "common/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_position(const cJSON *parent, const char *name,
               struct spool_position *position)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(parent, name);

    return json_get_uint(object, "segment", &position->segment) &&
           json_get_uint(object, "offset", &position->offset);
}

/* Return: whether it is right, or not there. */
static bool
parse_inflight(const cJSON *parent, struct checkpoint_stream *stream)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(parent, "inFlight");
    struct checkpoint_inflight *inflight = &stream->inflight;
    const char *id = json_get_string(object, "lastEventId");

    if (!object || cJSON_IsNull(object))
        return true;
    stream->in_flight = true;
    if (id && strlen(id) < sizeof(inflight->last_id))
        (void)strcpy(inflight->last_id, id);
    return parse_position(object, "position", &inflight->first) &&
           parse_position(object, "end", &inflight->end) &&
           json_get_uint(object, "count", &inflight->count) &&
           json_get_uint(object, "firstTs", &inflight->first_ts) &&
           json_get_uint(object, "lastTs", &inflight->last_ts);
}

static int
parse_stream(const cJSON *object, struct checkpoint_stream *stream)
{
    const char *group = json_get_string(object, "group");
    const char *name = json_get_string(object, "stream");
    const char *token = json_get_string(object, "token");

    if (!group || !name ||
        !parse_position(object, "position", &stream->position) ||
        !parse_inflight(object, stream))
        return CHECKPOINT_BROKEN;

    stream->group = strdup(group);
    stream->stream = strdup(name);
    stream->token = token ? strdup(token) : NULL;
    if (!stream->group || !stream->stream || (token && !stream->token))
        return -ENOMEM;
    return 0;
}

static int
parse_streams(const cJSON *tree, struct checkpoint *checkpoint)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(tree, "streams");
    const cJSON *item;
    int r;

    if (!cJSON_IsArray(array))
        return CHECKPOINT_BROKEN;
    if (!array->child)
        return 0;

    checkpoint->streams =
        calloc((size_t)cJSON_GetArraySize(array), sizeof(*checkpoint->streams));
    if (!checkpoint->streams)
        return -ENOMEM;
    cJSON_ArrayForEach(item, array)
    {
        /* Counted first: a half made one is freed with the others. */
        r = parse_stream(item,
                         &checkpoint->streams[checkpoint->stream_count++]);
        if (r)
            return r;
    }
    return 0;
}

static int
parse_tree(const cJSON *tree, struct checkpoint *checkpoint)
{
    const cJSON *counts = cJSON_GetObjectItemCaseSensitive(tree, "counts");
    const char *saved_at = json_get_string(tree, "savedAt");
    uint64_t version;

    if (!json_get_uint(tree, "version", &version))
        return CHECKPOINT_BROKEN;
    if (version != CHECKPOINT_VERSION)
        return CHECKPOINT_UNKNOWN;
    if (!parse_position(tree, "position", &checkpoint->position) ||
        !json_get_uint(counts, "delivered", &checkpoint->counts.delivered) ||
        !json_get_uint(counts, "dead", &checkpoint->counts.dead) ||
        !json_get_uint(counts, "dropped", &checkpoint->counts.dropped))
        return CHECKPOINT_BROKEN;
    /* Those that an older program did not write are zero. */
    (void)parse_position(tree, "retry", &checkpoint->retry);
    (void)json_get_uint(tree, "lettersTaken", &checkpoint->letters_taken);
    (void)json_get_uint(tree, "droppedAhead", &checkpoint->dropped_ahead);
    (void)json_get_uint(counts, "replayed", &checkpoint->counts.replayed);
    if (saved_at && strlen(saved_at) < sizeof(checkpoint->saved_at))
        (void)strcpy(checkpoint->saved_at, saved_at);
    return parse_streams(tree, checkpoint);
}

int
checkpoint_parse(struct checkpoint *checkpoint, const char *bytes, size_t len)
{
    cJSON *tree = json_parse(bytes, len);
    int r = CHECKPOINT_BROKEN;

    *checkpoint = (struct checkpoint){0};
    if (tree)
        r = parse_tree(tree, checkpoint);
    cJSON_Delete(tree);
    if (r)
        checkpoint_deinit(checkpoint);
    return r;
}

int
checkpoint_read(struct checkpoint *checkpoint, int dirfd)
{
    char *bytes;
    size_t len;
    int r;

    r = fileio_read_all(dirfd, SPOOL_CHECKPOINT, CHECKPOINT_BYTES_MAX, &bytes,
                        &len);
    if (r == -EFBIG)
        return CHECKPOINT_BROKEN;
    if (r < 0)
        return r;
    r = checkpoint_parse(checkpoint, bytes, len);
    free(bytes);
    return r;
}

static void
print_position(struct buf *out, const char *name,
               struct spool_position position)
{
    (void)buf_printf(out,
                     "\"%s\":{\"segment\":%" PRIu64 ",\"offset\":%" PRIu64 "}",
                     name, position.segment, position.offset);
}

static void
print_inflight(struct buf *out, const struct checkpoint_inflight *inflight)
{
    (void)buf_putc(out, '{');
    print_position(out, "position", inflight->first);
    (void)buf_putc(out, ',');
    print_position(out, "end", inflight->end);
    (void)buf_printf(out, ",\"count\":%" PRIu64 ",\"lastEventId\":",
                     inflight->count);
    json_string(out, inflight->last_id);
    (void)buf_printf(out, ",\"firstTs\":%" PRIu64 ",\"lastTs\":%" PRIu64 "}",
                     inflight->first_ts, inflight->last_ts);
}

static void
print_stream(struct buf *out, const struct checkpoint_stream *stream)
{
    (void)buf_puts(out, "{\"group\":");
    json_string(out, stream->group);
    (void)buf_puts(out, ",\"stream\":");
    json_string(out, stream->stream);
    (void)buf_puts(out, ",\"token\":");
    json_string(out, stream->token);
    (void)buf_putc(out, ',');
    print_position(out, "position", stream->position);
    (void)buf_puts(out, ",\"inFlight\":");
    if (stream->in_flight)
        print_inflight(out, &stream->inflight);
    else
        (void)buf_puts(out, "null");
    (void)buf_putc(out, '}');
}

int
checkpoint_print(const struct checkpoint *checkpoint, struct buf *out)
{
    const struct checkpoint_counts *counts = &checkpoint->counts;

    (void)buf_printf(out, "{\"version\":%d,", CHECKPOINT_VERSION);
    print_position(out, "position", checkpoint->position);
    (void)buf_puts(out, ",\"streams\":[");
    for (size_t i = 0; i < checkpoint->stream_count; i++) {
        if (i)
            (void)buf_putc(out, ',');
        print_stream(out, &checkpoint->streams[i]);
    }
    (void)buf_puts(out, "],");
    print_position(out, "retry", checkpoint->retry);
    (void)buf_printf(out,
                     ",\"lettersTaken\":%" PRIu64 ",\"droppedAhead\":%" PRIu64
                     ",\"counts\":{\"delivered\":%" PRIu64 ",\"dead\":%" PRIu64
                     ",\"dropped\":%" PRIu64 ",\"replayed\":%" PRIu64
                     "},\"savedAt\":",
                     checkpoint->letters_taken, checkpoint->dropped_ahead,
                     counts->delivered, counts->dead, counts->dropped,
                     counts->replayed);
    json_string(out, checkpoint->saved_at);
    (void)buf_puts(out, "}\n");
    return out->failed;
}

void
checkpoint_deinit(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->stream_count; i++) {
        free(checkpoint->streams[i].group);
        free(checkpoint->streams[i].stream);
        free(checkpoint->streams[i].token);
    }
    free(checkpoint->streams);
    *checkpoint = (struct checkpoint){0};
}
