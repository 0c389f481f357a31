#include "ingest/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { TEXT_MAX = 64 };

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

bool
ip_is_v4(const struct ip *ip)
{
    return !memcmp(ip->bytes, v4_mapped, sizeof(v4_mapped));
}

static struct ip
from_v4(const void *bytes)
{
    struct ip ip = {.known = true};

    memcpy(ip.bytes, v4_mapped, sizeof(v4_mapped));
    memcpy(ip.bytes + 12, bytes, 4);
    return ip;
}

struct ip
ip_from_sockaddr(const struct sockaddr *address)
{
    struct ip ip = {0};

    if (address->sa_family == AF_INET)
        return from_v4(&((const struct sockaddr_in *)address)->sin_addr);
    if (address->sa_family == AF_INET6) {
        memcpy(ip.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr,
               sizeof(ip.bytes));
        ip.known = true;
    }
    return ip;
}

/* CloudFront writes IPv6 in full, without brackets, and the port behind it:
 * nine groups, where an address has at most eight. */
static struct slice
without_ninth_group(struct slice text)
{
    size_t colons = 0, last = 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == ':') {
            colons++;
            last = i;
        }
    if (colons != 8 || memmem(text.data, text.len, "::", 2))
        return text;
    return (struct slice){text.data, last};
}

static bool
is_port(struct slice text)
{
    size_t digits = 0;

    while (digits < text.len && text.data[digits] >= '0' &&
           text.data[digits] <= '9')
        digits++;
    return digits == text.len && digits >= 1 && digits <= 5;
}

/* "[host]" and "[host]:port" to the host alone; nothing where it is neither. */
static struct slice
without_brackets(struct slice text)
{
    struct slice rest;
    struct slice host = slice_split(text, ']', &rest);

    if (rest.data && rest.len && *rest.data == ':') {
        rest.data++, rest.len--;
        return is_port(rest) ? host : (struct slice){NULL, 0};
    }
    return rest.data && !rest.len ? host : (struct slice){NULL, 0};
}

/* "host:port" and its kin to the host alone. */
static struct slice
without_port(struct slice text)
{
    struct slice rest, host;

    if (text.len && *text.data == '[')
        return without_brackets((struct slice){text.data + 1, text.len - 1});
    host = slice_split(text, ':', &rest);
    /* A second colon: a bare IPv6 address. */
    if (rest.data && !memchr(rest.data, ':', rest.len))
        return is_port(rest) ? host : (struct slice){NULL, 0};
    return without_ninth_group(text);
}

struct ip
ip_parse(struct slice slice)
{
    struct ip ip = {.known = true};
    char text[TEXT_MAX];
    struct in_addr v4;

    slice = without_port(slice_trim(slice));
    if (!slice.len || slice.len >= sizeof(text))
        return (struct ip){0};
    memcpy(text, slice.data, slice.len);
    text[slice.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return from_v4(&v4);
    if (inet_pton(AF_INET6, text, ip.bytes) == 1)
        return ip;
    return (struct ip){0};
}

/* By hand, as inet_ntop() is a sprintf(), and every request has its address
 * printed. */
static void
print_v4(const uint8_t bytes[4], char *text)
{
    for (int i = 0; i < 4; i++) {
        unsigned number = bytes[i];

        if (number >= 100)
            *text++ = (char)('0' + number / 100);
        if (number >= 10)
            *text++ = (char)('0' + number / 10 % 10);
        *text++ = (char)('0' + number % 10);
        *text++ = i < 3 ? '.' : '\0';
    }
}

void
ip_print(const struct ip *ip, char *text)
{
    *text = '\0';
    if (ip->known && ip_is_v4(ip))
        print_v4(ip->bytes + 12, text);
    else if (ip->known)
        (void)inet_ntop(AF_INET6, ip->bytes, text, INET6_ADDRSTRLEN);
}

struct ip
ip_network(const struct ip *ip)
{
    struct ip network = *ip;
    size_t keep = ip_is_v4(ip) ? 15 : 6;

    memset(network.bytes + keep, 0, sizeof(network.bytes) - keep);
    return network;
}
