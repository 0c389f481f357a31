#pragma once

#include "ingest/event.h"
#include "ingest/scan.h"

struct catalog_field;

/*
 * Private to event*.c: an event on its way from JSON to line.
 */
struct making {
    const struct event_rules *rules;
    struct buf *out;
    struct event_error *error; /* code is NULL until something is wrong */
    struct slice name, client, session, id; /* NULL data: not there */
    bool timed;
    int64_t time_ms;
    uint64_t present; /* the set of catalog fields */

    /* Of an entry of the shop's own API, event_api.c: */
    struct slice category;
    bool action, identity_source, request_id; /* they are there */
    struct slice address, agent; /* in quotes; whether they may stay depends
                                    on a clientId that may come later */
};

/** event_refuse(): the first fault is the one that is told. */
void event_refuse(struct making *making, const char *code, struct slice field,
                  const char *wants);

/** event_write_name(): `,"name":`. */
void event_write_name(struct buf *out, struct slice name);

/** event_is_plain_name(): 1 to 40 of A-Z a-z 0-9 _. */
bool event_is_plain_name(struct slice name);

/** event_take_scalars(): an object of scalars under names of the sender's. */
void event_take_scalars(struct making *making,
                        const struct catalog_field *field,
                        const struct scan_value *value);

/** event_take_objects(): an array of objects of named fields. */
void event_take_objects(struct making *making,
                        const struct catalog_field *field,
                        const struct scan_value *value);

/** event_is_anonymous(): its clientId asks for no address and no agent. */
bool event_is_anonymous(const struct making *making);

/** event_api_take(): a member that only the shop's API may send.  Return:
 * whether it is one. */
bool event_api_take(struct making *making, struct slice name,
                    const struct scan_value *value);

/** event_api_judge(): what only the whole entry can tell. */
void event_api_judge(struct making *making);

/** event_api_end(): what the server adds where the caller did not. */
void event_api_end(const struct making *making,
                   const struct event_server *server);
