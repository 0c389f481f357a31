#pragma once

struct buf;
struct cJSON;
struct ctl;

/**
 * broker_ask(): ask a running shipper (docs/broker.md).  @members are those of
 * the ask, each with a comma before it; *@answer is for cJSON_Delete().
 *
 * Return: 0, or an exit code, told: shipper does not answer, or says no.
 */
int broker_ask(const struct ctl *ctl, const struct buf *members,
               struct cJSON **answer);
