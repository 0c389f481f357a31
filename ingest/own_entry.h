#pragma once

#include "common/slice.h"
#include "ingest/commit.h"

#include <stdint.h>

struct app;
struct exchange;

/*
 * Entries that the server writes by itself: a token verified or refused, an
 * upload signed or completed (contract, section 5).
 */
struct own_entry {
    const char *category; /* "auth" or "upload" */
    const char *action;
    const char *outcome; /* "success" or "failure" */
    int status;          /* of the answer that the request gets */
    struct slice more;   /* further members, each with a comma in front */
    const uint8_t *id;   /* 16 bytes; NULL: a fresh one */
};

/**
 * own_entry_append(): into the commit, with the request's own fields, while
 * the exchange still has its head.  done() runs as commit_append() says, or
 * never where @ticket is NULL: then nobody waits for it.
 *
 * Return: 0, or what commit_append() returns, or -ENOSPC where there is no
 * room: then @ticket is not taken.
 */
int own_entry_append(struct app *app, const struct exchange *exchange,
                     const struct own_entry *entry,
                     struct commit_ticket *ticket);
