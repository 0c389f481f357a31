#include "ingest/body.h"

#include "common/gzip.h"
#include "ingest/app.h"
#include "ingest/exchange.h"

#include <stdlib.h>

/* "application/json; charset=utf-8" to "application/json". */
static struct slice
essence(const struct exchange *exchange)
{
    struct slice rest;

    return slice_trim(
        slice_split(request_field(exchange->head, "content-type"), ';', &rest));
}

static bool
is_gzip(struct slice coding)
{
    return slice_is_nocase(coding, "gzip") || slice_is_nocase(coding, "x-gzip");
}

bool
body_type_ok(const struct exchange *exchange)
{
    struct slice coding = request_field(exchange->head, "content-encoding");
    struct slice type = essence(exchange);

    if (request_field_count(exchange->head, "content-type") != 1 ||
        request_field_count(exchange->head, "content-encoding") > 1)
        return false;
    if (coding.data && !is_gzip(coding) && !slice_is_nocase(coding, "identity"))
        return false;
    return slice_is_nocase(type, "application/json") ||
           slice_is_nocase(type, "application/x-ndjson") ||
           slice_is_nocase(type, "text/plain");
}

enum problem
body_open(struct body *body, struct app *app, const struct exchange *exchange)
{
    struct slice coding = request_field(exchange->head, "content-encoding");

    body->rest = exchange->body;
    if (is_gzip(coding)) {
        buf_clear(&app->inflated);
        switch (gzip_inflate(&app->inflated, body->rest.data, body->rest.len)) {
        case 0:
            break;
        case GZIP_TOO_LARGE:
            return PROBLEM_BODY_TOO_LARGE;
        case GZIP_BROKEN:
            return PROBLEM_INVALID_ENCODING;
        default:
            return PROBLEM_TOO_BUSY; /* out of memory */
        }
        body->rest = (struct slice){app->inflated.data, app->inflated.len};
    }

    body->ended = false;
    if (slice_is_nocase(essence(exchange), "application/x-ndjson"))
        body->form = BODY_LINES;
    else if (scan_open(&body->array, body->rest) == SCAN_FOUND &&
             !body->array.object)
        body->form = BODY_ARRAY;
    else
        body->form = BODY_OBJECT;
    return PROBLEM_NONE;
}

static int
next_element(struct body *body, struct slice *item, enum problem *problem)
{
    struct scan *array = &body->array;
    struct slice name;
    bool escaped;
    int r;

    if (array->begun)
        array->at = item->data + item->len;
    r = scan_reach(array, &name, &escaped);
    if (r < 0 || (r == SCAN_END && !scan_is_end(array->at, array->end))) {
        *problem = PROBLEM_INVALID_JSON;
        return -1;
    }
    *item = (struct slice){array->at, (size_t)(array->end - array->at)};
    return r;
}

/* A line ends in LF or CRLF; empty ones are passed over. */
static int
next_line(struct body *body, struct slice *item)
{
    while (body->rest.data) {
        *item = slice_split(body->rest, '\n', &body->rest);
        if (item->len && item->data[item->len - 1] == '\r')
            item->len--;
        if (slice_trim(*item).len)
            return 1;
    }
    return 0;
}

int
body_next(struct body *body, struct slice *item, enum problem *problem)
{
    switch (body->form) {
    case BODY_OBJECT:
        *item = body->rest;
        if (body->ended)
            return 0;
        body->ended = true;
        return 1;
    case BODY_ARRAY:
        return next_element(body, item, problem);
    case BODY_LINES:
        return next_line(body, item);
    }
    abort();
}
