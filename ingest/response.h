#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct exchange;
struct exchange_reply;

/** The Date field's value, made once a second. */
struct response_date {
    int64_t second;
    char text[32]; /* RFC 9110, section 5.6.7: IMF-fixdate */
};

void response_date_set(struct response_date *date, int64_t now_ms);

/** What the connection adds to a reply. */
struct response_frame {
    const char *date;
    bool close;    /* Connection: close */
    bool http_1_0; /* where an open connection must be said */
    bool no_body;  /* HEAD: all fields, no content */
};

/** response_write(): the whole answer, appended to @out. */
void response_write(struct buf *out, const struct exchange *exchange,
                    const struct exchange_reply *reply,
                    const struct response_frame *frame);
