#pragma once

#include "common/slice.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2), to the
 * letter: no `=`, no white space, no length of 4n+1, and the bits left over in
 * the last character are zero.  So no two texts mean the same bytes.
 */

/** How many bytes @len characters decode to, at most. */
#define BASE64URL_DECODED(len) ((len) / 4 * 3 + 2)

/** How many characters @len bytes make. */
#define BASE64URL_ENCODED(len) (((len)*4 + 2) / 3)

/**
 * base64url_decode(): @out has room for BASE64URL_DECODED() bytes.
 *
 * Return: how many there are, or -EINVAL.
 */
ssize_t base64url_decode(uint8_t *out, struct slice text);

/** base64url_encode(): BASE64URL_ENCODED() characters, no NUL. */
void base64url_encode(char *out, const uint8_t *bytes, size_t len);
