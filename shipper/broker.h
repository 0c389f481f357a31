#pragma once

#include <uv.h>

struct cloud;
struct jwks_fetch;
struct secrets;
struct ship;

/*
 * Shipper's end of the broker (docs/broker.md): a Unix socket that answers
 * what ingest asks, one line each way.  Where the socket cannot be made it is
 * tried again: nothing here keeps events from being shipped.
 */
enum { BROKER_CONNECTIONS_MAX = 16 };

struct broker;

/** What answers come from; all borrowed for the broker's life. */
struct broker_sources {
    struct cloud *cloud;
    struct secrets *secrets;
    struct jwks_fetch *jwks;
    struct ship *ship;
};

/** broker_new(): listens on [broker] socket from now on.  Return: 0 or
 * -ENOMEM. */
int broker_new(struct broker **broker, const struct broker_sources *sources);

/** broker_close(): what is asked is answered no more; the loop has to run. */
void broker_close(struct broker *broker);
