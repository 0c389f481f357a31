#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** An address; IPv4 is kept as IPv4-mapped IPv6 (RFC 4291). */
struct ip {
    uint8_t bytes[16];
    bool known; /* false: a Unix socket, or nothing that is an address */
};

struct ip ip_from_sockaddr(const struct sockaddr *address);

/** ip_parse(): "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each maybe with
 *  ":port". */
struct ip ip_parse(struct slice text);

/** ip_print(): @text has room for INET6_ADDRSTRLEN; unknown gives "". */
void ip_print(const struct ip *ip, char *text);

/** ip_network(): only the first 24 bits of IPv4, or 48 of IPv6. */
struct ip ip_network(const struct ip *ip);

/** ip_is_v4(): an IPv4-mapped one. */
bool ip_is_v4(const struct ip *ip);
