#pragma once

#include "common/slice.h"

#include <stdbool.h>

struct settings;

/*
 * May this origin send events (Fetch standard, CORS)?  Origins are compared
 * as whole strings, byte for byte; `null` is never one.  Pure after load.
 */
struct cors {
    char *words;          /* the setting's text, cut into words */
    const char **origins; /* NULL-terminated */
    bool any;             /* `*` is among them */
    bool on;              /* a list is there at all */
};

/** cors_load(): complains about what is no origin. */
int cors_load(struct cors *cors, struct settings *settings);
void cors_deinit(struct cors *cors);

/** What a request says about where it comes from; NULL data: not said. */
struct cors_request {
    struct slice origin;
    struct slice host;           /* Host */
    struct slice forwarded_host; /* X-Forwarded-Host of a trusted proxy */
    struct slice fetch_site;     /* Sec-Fetch-Site */
};

/**
 * cors_judge(): Return: whether the request may be served.  *@allow is then
 * what Access-Control-Allow-Origin says, or NULL where no header is due.
 */
bool cors_judge(const struct cors *cors, const struct cors_request *request,
                const char **allow);
