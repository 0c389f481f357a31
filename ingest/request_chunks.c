#include "ingest/request.h"

#include "common/buf.h"
#include "ingest/request_line.h"

#include <errno.h>
#include <llhttp.h>
#include <stdlib.h>

/*
 * llhttp decodes the chunks.  The trailer section behind the last one is read
 * here: llhttp would take folded lines and fields that reframe the message.
 */
struct request_chunks {
    llhttp_t parser;
    struct buf *body; /* while a feed runs */
    size_t extensions;
    bool too_large;
    bool last;          /* the last chunk's line has been read */
    struct buf trailer; /* the line that is on its way */
    size_t trailer_len; /* of the whole section so far */
};

static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct request_chunks *chunks = parser->data;

    if (buf_append(chunks->body, at, len) == 0)
        return 0;
    chunks->too_large = true;
    return -1;
}

static int
on_extension(llhttp_t *parser, const char *at, size_t len)
{
    struct request_chunks *chunks = parser->data;

    (void)at;
    chunks->extensions += len + 1;
    return chunks->extensions > REQUEST_EXTENSIONS_MAX ? -1 : 0;
}

static int
on_chunk_header(llhttp_t *parser)
{
    struct request_chunks *chunks = parser->data;

    if (parser->content_length)
        return 0;
    chunks->last = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t chunk_settings = {
    .on_body = on_body,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_chunk_header = on_chunk_header,
};

struct request_chunks *
request_chunks_new(void)
{
    static const char head[] = "POST / HTTP/1.1\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct request_chunks *chunks = calloc(1, sizeof(*chunks));

    if (!chunks)
        return NULL;
    /* A head of our own brings the parser to the body; the sender's has been
     * judged already. */
    llhttp_init(&chunks->parser, HTTP_REQUEST, &chunk_settings);
    chunks->parser.data = chunks;
    (void)llhttp_execute(&chunks->parser, head, sizeof(head) - 1);
    buf_init(&chunks->trailer, REQUEST_TRAILER_MAX);
    return chunks;
}

void
request_chunks_free(struct request_chunks *chunks)
{
    if (!chunks)
        return;
    buf_deinit(&chunks->trailer);
    free(chunks);
}

/* RFC 9110, section 6.5.1: no field that frames, routes or reads content. */
static bool
trailer_ok(struct slice line)
{
    static const char *const banned[] = {
        "transfer-encoding", "content-length", "host",   "content-encoding",
        "content-type",      "authorization",  "expect", "te",
        "trailer",
    };
    struct slice rest, name = slice_split(line, ':', &rest);

    for (size_t i = 0; i < sizeof(banned) / sizeof(*banned); i++)
        if (slice_is_nocase(name, banned[i]))
            return false;
    return true;
}

/* Return: bytes used, or -1; @done at the blank line. */
static int64_t
feed_trailer(struct request_chunks *chunks, const char *bytes, size_t len,
             bool *done)
{
    size_t used = 0;

    while (used < len && !*done) {
        const char *newline = memchr(bytes + used, '\n', len - used);
        size_t n = newline ? (size_t)(newline - bytes) + 1 - used : len - used;
        struct slice line;

        chunks->trailer_len += n;
        if (chunks->trailer_len > REQUEST_TRAILER_MAX ||
            buf_append(&chunks->trailer, bytes + used, n) < 0)
            return -1;
        used += n;
        if (!newline)
            break;
        line = (struct slice){chunks->trailer.data, chunks->trailer.len};
        if (request_line_judge(line, false) || !trailer_ok(line))
            return -1;
        *done = line.len == 2;
        buf_clear(&chunks->trailer);
    }
    return (int64_t)used;
}

int64_t
request_chunks_feed(struct request_chunks *chunks, const char *bytes,
                    size_t len, struct buf *body, bool *done,
                    enum problem *problem)
{
    enum llhttp_errno error = HPE_OK;
    int64_t trailer;
    size_t used = 0;

    *done = false;
    *problem = PROBLEM_NONE;
    chunks->body = body;
    if (!chunks->last) {
        error = llhttp_execute(&chunks->parser, bytes, len);
        used = len;
    }
    if (error == HPE_PAUSED && chunks->last) {
        used = (size_t)(llhttp_get_error_pos(&chunks->parser) - bytes);
        error = HPE_OK;
    }
    if (error != HPE_OK) {
        *problem =
            chunks->too_large ? PROBLEM_BODY_TOO_LARGE : PROBLEM_BAD_REQUEST;
        return -1;
    }
    if (!chunks->last)
        return (int64_t)used;

    trailer = feed_trailer(chunks, bytes + used, len - used, done);
    if (trailer < 0) {
        *problem = PROBLEM_BAD_REQUEST;
        return -1;
    }
    return (int64_t)used + trailer;
}
