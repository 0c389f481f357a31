#pragma once

#include "common/slice.h"
#include "ingest/problem.h"
#include "ingest/scan.h"

#include <stdbool.h>
#include <stddef.h>

struct app;
struct exchange;

/*
 * A request body to the events in it: inflated where it came as gzip, then
 * one object, an array of them, or one a line.
 */
enum body_form { BODY_OBJECT, BODY_ARRAY, BODY_LINES };

struct body {
    enum body_form form;
    struct slice rest; /* lines that were not yet yielded, or the object */
    struct scan array;
    bool ended;
};

/** body_type_ok(): the media type and content coding are ones we read. */
bool body_type_ok(const struct exchange *exchange);

/** body_open(): the exchange's body, inflated into @app's memory. */
enum problem body_open(struct body *body, struct app *app,
                       const struct exchange *exchange);

/**
 * body_next(): the next event's bytes, of which nothing is known yet.  Of an
 * array *@item is all that is left of it, and is cut to the event's own bytes
 * by the caller, who reads them, before the next one is asked for.
 *
 * Return: 1 with *@item; 0 at the end; -1 with *@problem: the body as a whole
 * is broken.
 */
int body_next(struct body *body, struct slice *item, enum problem *problem);
