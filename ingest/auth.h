#pragma once

#include "ingest/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct exchange;
struct keeper;

/*
 * Who is calling: `Authorization: Bearer` to a verified token, or a refusal.
 * A token is verified once and remembered until it expires; one whose key is
 * not known waits, with its connection, for the one ask for keys that is under
 * way (see exchange->wait), and is judged again then.
 *
 * A first use and a refusal are entries of their own (logCategory `auth`,
 * action `token`), a refusal with its reason, which the answer does not give.
 * No address writes more than AUTH_FAILURE_BURST refusals at once or
 * AUTH_FAILURES_PER_S of them a second for long; the rest are counted.
 */
enum {
    AUTH_FAILURE_BURST = 5,
    AUTH_ALL_BURST = 50, /* over all addresses */
    AUTH_ALL_PER_S = 10,
};

#define AUTH_FAILURES_PER_S (1.0 / 60)

enum auth_need { AUTH_NONE, AUTH_OPTIONAL, AUTH_REQUIRED };

struct auth;

/** auth_new(): @keeper and @app are borrowed. */
int auth_new(struct auth **auth, struct app *app, struct keeper *keeper);
void auth_free(struct auth *auth);

/**
 * auth_admit(): judge the head's token.  Sets exchange->token, held for the
 * exchange, or exchange->wait.
 *
 * Return: PROBLEM_NONE, or why not.
 */
enum problem auth_admit(struct exchange *exchange, enum auth_need need);

/** auth_may_tell(): whether a failure of this request may be an entry. */
bool auth_may_tell(struct auth *auth, const struct exchange *exchange);

/** auth_keys_changed(): tokens of keys that are gone are forgotten. */
void auth_keys_changed(struct auth *auth);

/** auth_rules_changed(): after a reload, every token is judged anew. */
void auth_rules_changed(struct auth *auth);
