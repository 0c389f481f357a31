#pragma once

struct admin;
struct exchange;

/*
 * The ops page: GET / and its few files, which are in the program, and what
 * they ask for: /live (figures of the last minutes and the last hour),
 * /refused and /entries.  docs/ops-page.md is its manual.
 */
void ops_file(struct exchange *exchange);
void ops_live(struct exchange *exchange);
void ops_refused(struct exchange *exchange);
void ops_entries(struct exchange *exchange);

/** ops_look(): once a second, so that there is something to tell. */
void ops_look(const struct admin *admin);
