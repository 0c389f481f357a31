#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * An address to listen on: "127.0.0.1:8080", "[::]:8080" or "unix:/path".
 */
struct address {
    struct sockaddr_storage ip;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": not Unix */
};

/** address_parse(): Return: whether @word is one. */
bool address_parse(struct address *address, struct slice word);

/** address_is(): whether a socket bound to @name stands at @address. */
bool address_is(const struct address *address,
                const struct sockaddr_storage *name);

/** address_is_public(): it can be reached from other machines. */
bool address_is_public(const struct address *address);
