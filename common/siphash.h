#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t half[2];
};

/**
 * siphash(): SipHash-1-3 of @len bytes (Aumasson, Bernstein 2012), for tables
 * keyed by what strangers choose: without the key, which is drawn at start,
 * nobody can aim at one bucket.
 */
uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t len);
