#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Random bytes and the ids made of them.  The kernel is asked for a page at a
 * time; each byte is given out once.
 */
void ids_random(void *bytes, size_t len);

/** ids_uuid7(): RFC 9562, section 5.7: the time, then random bits. */
void ids_uuid7(uint8_t id[16], int64_t now_ms);
