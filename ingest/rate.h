#pragma once

#include "ingest/ip.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Token buckets by client address (IPv6 by its /64, which one customer has
 * whole), in a table of fixed size.  Pure: the time is the caller's.
 *
 * Where a new address finds its set of the table full, the bucket with the
 * most tokens gives way: whoever is being limited stays so, and a table full
 * of strangers locks nobody out.
 */
enum { RATE_WAYS = 4 };

struct rate;

/** rate_new(): for @addresses at once; @key guards the table. */
struct rate *rate_new(size_t addresses, const uint8_t key[16]);
void rate_free(struct rate *rate);

/**
 * rate_take(): one token of @ip's bucket, which fills at @per_s a second up to
 * @burst.  An address that is not known (a Unix socket) is never limited.
 *
 * Return: whether there was one.
 */
bool rate_take(struct rate *rate, const struct ip *ip, double per_s,
               double burst, int64_t now_ms);
