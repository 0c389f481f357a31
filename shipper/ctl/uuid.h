#pragma once

enum { UUID_SIZE = 37 };

/** uuid_make(): a random one (RFC 9562, version 4). */
void uuid_make(char text[UUID_SIZE]);
