#pragma once

#include <stdbool.h>
#include <stdint.h>

/* UUIDs (RFC 9562). */
enum {
    UUID_LEN = 36,
    UUID_SIZE = UUID_LEN + 1,
};

/** uuid_print(): 8-4-4-4-12 lower-case hex digits, terminated. */
void uuid_print(char text[UUID_SIZE], const uint8_t id[16]);

/** uuid_parse(): UUID_LEN characters in that form, either case. */
bool uuid_parse(uint8_t id[16], const char *text);

/** uuid_make(): a random one, version 4. */
void uuid_make(char text[UUID_SIZE]);
