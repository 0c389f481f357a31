#include "ingest/response.h"

#include "common/buf.h"
#include "ingest/exchange.h"
#include "ingest/problem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void
response_date_set(struct response_date *date, int64_t now_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;

    if (date->second == now)
        return;
    date->second = now;
    (void)gmtime_r(&now, &tm);
    /* By hand, as strftime() follows the locale. */
    (void)snprintf(date->text, sizeof(date->text),
                   "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                   days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100,
                   months + 3 * tm.tm_mon,
                   (unsigned)(tm.tm_year + 1900) % 10000,
                   (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
                   (unsigned)tm.tm_sec % 100);
}

static void
append_cors(struct buf *out, const struct exchange *exchange)
{
    if (!exchange->cors)
        return;
    (void)buf_puts(out, "Vary: Origin\r\n");
    if (!exchange->allow_origin)
        return;
    (void)buf_puts(out, "Access-Control-Allow-Origin: ");
    (void)buf_puts(out, exchange->allow_origin);
    (void)buf_puts(out, "\r\nAccess-Control-Expose-Headers: "
                        "Retry-After, X-Request-Id\r\n");
}

void
response_write(struct buf *out, const struct exchange *exchange,
               const struct exchange_reply *reply,
               const struct response_frame *frame)
{
    (void)buf_puts(out, "HTTP/1.1 ");
    (void)buf_number(out, (unsigned)reply->status);
    (void)buf_putc(out, ' ');
    (void)buf_puts(out, problem_reason(reply->status));
    (void)buf_puts(out, "\r\nDate: ");
    (void)buf_puts(out, frame->date);
    (void)buf_puts(out, "\r\nX-Request-Id: ");
    (void)buf_puts(out, exchange->request_id);
    if (reply->type) {
        (void)buf_puts(out, "\r\nX-Content-Type-Options: nosniff"
                            "\r\nContent-Type: ");
        (void)buf_puts(out, reply->type);
    }
    /* RFC 9110, section 8.6: never in a 204; in a 304 it would be that of the
     * content which is not sent. */
    if (reply->status != 204 && reply->status != 304) {
        (void)buf_puts(out, "\r\nContent-Length: ");
        (void)buf_number(out, reply->body.len);
    }
    if (frame->close)
        (void)buf_puts(out, "\r\nConnection: close");
    else if (frame->http_1_0)
        (void)buf_puts(out, "\r\nConnection: keep-alive");
    (void)buf_puts(out, "\r\n");
    append_cors(out, exchange);
    if (reply->headers)
        (void)buf_puts(out, reply->headers);
    (void)buf_puts(out, "\r\n");
    if (!frame->no_body)
        (void)buf_append(out, reply->body.data, reply->body.len);
}
