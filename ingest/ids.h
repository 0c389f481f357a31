#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Random bytes and the ids made of them.  The kernel is asked for a page at a
 * time; each byte is given out once.
 */
enum {
    IDS_UUID_LEN = 36,
    IDS_UUID_SIZE = IDS_UUID_LEN + 1,
};

void ids_random(void *bytes, size_t len);

/** ids_uuid7(): RFC 9562, section 5.7: the time, then random bits. */
void ids_uuid7(uint8_t id[16], int64_t now_ms);

/** ids_uuid_text(): 8-4-4-4-12 lower-case hex digits, terminated. */
void ids_uuid_text(char text[IDS_UUID_SIZE], const uint8_t id[16]);

/** ids_uuid_parse(): 36 characters in that form, either case. */
bool ids_uuid_parse(uint8_t id[16], const char *text);
