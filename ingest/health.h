#pragma once

struct exchange;

/** health_handle(): GET /healthz, which says only that the loop turns. */
void health_handle(struct exchange *exchange);
