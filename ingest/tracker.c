#include "ingest/tracker.h"

#include "ingest/exchange.h"
#include "ingest/tracker_bytes.h"

#include <stdio.h>

/*
 * RFC 9110, section 12.5.3: whether gzip is among the codings of @accept, and
 * not weighed with 0.  `*` is not taken for it: who cannot say gzip gets the
 * script as it is.
 */
static bool
accepts_gzip(struct slice accept)
{
    struct slice item, rest = accept, weight;

    while (rest.data) {
        item = slice_split(rest, ',', &rest);
        if (!slice_is_nocase(slice_trim(slice_split(item, ';', &weight)),
                             "gzip"))
            continue;
        weight = slice_trim(weight);
        return !(weight.len > 2 && weight.data[2] == '0' &&
                 !memchr(weight.data, '1', weight.len) &&
                 strspn(weight.data + 2, "0.") >= weight.len - 2);
    }
    return false;
}

/*
 * RFC 9110, section 13.1.2, by weak comparison: proxies weaken a tag where
 * they compress.  The tag of either coding will do, as both are these bytes.
 */
static bool
is_known(struct slice none_match)
{
    struct slice rest = none_match, tag;

    while (rest.data) {
        tag = slice_trim(slice_split(rest, ',', &rest));
        if (slice_is(tag, "*"))
            return true;
        if (tag.len > 2 && !memcmp(tag.data, "W/", 2))
            tag = (struct slice){tag.data + 2, tag.len - 2};
        if (tag.len >= strlen(tracker_tag) + 2 && *tag.data == '"' &&
            !memcmp(tag.data + 1, tracker_tag, strlen(tracker_tag)))
            return true;
    }
    return false;
}

static void
answer(struct exchange *exchange, const char *caching)
{
    bool packed =
        accepts_gzip(request_field(exchange->head, "accept-encoding"));
    bool known = is_known(request_field(exchange->head, "if-none-match"));
    char headers[512];

    (void)snprintf(headers, sizeof(headers),
                   "Cache-Control: public, max-age=%s\r\n"
                   "ETag: \"%s%s\"\r\n"
                   "Vary: Accept-Encoding\r\n"
                   "Access-Control-Allow-Origin: *\r\n"
                   "Cross-Origin-Resource-Policy: cross-origin\r\n"
                   "%s",
                   caching, tracker_tag, packed ? "-gzip" : "",
                   packed && !known ? "Content-Encoding: gzip\r\n" : "");
    /* One answer for every origin: shared caches need not tell them apart. */
    exchange->cors = false;
    exchange_reply(exchange,
                   &(struct exchange_reply){
                       .status = known ? 304 : 200,
                       .type = known ? NULL : "text/javascript; charset=utf-8",
                       .headers = headers,
                       .body = known ? (struct slice){NULL, 0}
                               : packed
                                   ? (struct slice){(const char *)tracker_gzip,
                                                    tracker_gzip_len}
                                   : (struct slice){(const char *)tracker_plain,
                                                    tracker_plain_len},
                   });
}

void
tracker_latest(struct exchange *exchange)
{
    answer(exchange, "300, stale-while-revalidate=86400");
}

void
tracker_versioned(struct exchange *exchange)
{
    answer(exchange, "31536000, immutable");
}
