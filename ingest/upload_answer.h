#pragma once

#include "ingest/problem.h"

struct buf;
struct exchange;
struct own_entry;
struct upload;
struct upload_fault;

/*
 * How the requests of uploads are answered: with an entry of their own first.
 */

/** upload_refuse(): an entry of @action's failure, where its address may write
 * one, that nobody waits for; and the refusal. */
void upload_refuse(struct exchange *exchange, const char *action,
                   enum problem problem);

/** upload_refuse_item(): the same, with what is wrong in the body. */
void upload_refuse_item(struct exchange *exchange, const char *action,
                        enum problem problem, const struct upload_fault *fault);

/** upload_answer_after(): 201 with @body, which is taken over, once @entry is
 * durable; or 503. */
void upload_answer_after(struct exchange *exchange,
                         const struct own_entry *entry, struct buf *body);

/** upload_write_members(): begin @more with what an entry says of @upload. */
void upload_write_members(struct buf *more, const struct upload *upload);
