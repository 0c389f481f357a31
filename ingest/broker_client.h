#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct cJSON;

/*
 * Ingest's end of the broker (docs/broker.md): one connection to shipper's
 * socket, made again with growing patience whenever it ends.  Asks are
 * answered in their order.
 */
enum {
    BROKER_CLIENT_ASKS_MAX = 256, /* that wait for an answer */
    BROKER_CLIENT_TIMEOUT_MS = 10 * 1000,
};

struct broker_client;

/** In the caller's memory, which stays put until done() has run. */
struct broker_query {
    /* From the loop; @answer is borrowed, and NULL where there is none: the
     * connection ended, or it took too long. */
    void (*done)(struct broker_query *query, const struct cJSON *answer);
    void *owner;

    struct broker_query *next; /* the rest is private to broker_client.c */
    uint64_t id;
    int64_t deadline_ms;
    bool waiting;
};

/**
 * broker_client_new(): connects from now on; up() is called from the loop each
 * time it has, and where it is NULL nobody wants to know: then nothing of the
 * connection is logged either, as that of another client tells the same.
 */
int broker_client_new(struct broker_client **client, uv_loop_t *loop,
                      const char *path, void (*up)(void *owner), void *owner);

/** broker_client_close(): done() of what waits runs from inside; then the loop
 * has to run for a turn. */
void broker_client_close(struct broker_client *client);

/** broker_client_is_up(): is there a connection? */
bool broker_client_is_up(const struct broker_client *client);

/**
 * broker_client_ask(): @members is the inside of the line's object, as in
 * `"ask":"keys"`.  done() never runs from inside this call.
 *
 * Return: 0; -ENOTCONN without a connection; -ENOBUFS where too many wait.
 */
int broker_client_ask(struct broker_client *client, struct broker_query *query,
                      const char *members);
