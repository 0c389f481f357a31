#pragma once

struct buf;
struct cJSON;
struct ctl;
struct ucred;

/**
 * broker_ask(): ask a running shipper (docs/broker.md).  @members are those of
 * the ask, each with a comma before it; *@answer is for cJSON_Delete().
 *
 * Return: 0, or an exit code, told: shipper does not answer, or says no.
 */
int broker_ask(const struct ctl *ctl, const struct buf *members,
               struct cJSON **answer);

/** broker_peer(): who listens at the socket @path, as the kernel knows it.
 * Return: 0 or a negative errno. */
int broker_peer(const char *path, struct ucred *peer);
