#pragma once

#include "ingest/ip.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How many connections an address has open (IPv6: its /64), so that none has
 * them all.  Addresses are counted by a keyed hash in a table of fixed size:
 * two that fall on one place are counted together, and nobody can aim at
 * another's.  Pure.
 */
enum { PEERS_PLACES = 16 * 1024 };

struct peers;

struct peers *peers_new(const uint8_t key[16]);
void peers_free(struct peers *peers);

/** peers_add(): Return: how many it has now, this one counted. */
unsigned peers_add(struct peers *peers, const struct ip *ip);
void peers_remove(struct peers *peers, const struct ip *ip);
