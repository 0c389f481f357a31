#include "ingest/address.h"

#include "ingest/request_line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool
take_port(struct slice *word, uint16_t *port)
{
    const char *colon = word->len ? memrchr(word->data, ':', word->len) : NULL;
    struct slice digits;
    uint64_t number;

    if (!colon)
        return false;
    digits =
        (struct slice){colon + 1, word->len - (size_t)(colon + 1 - word->data)};
    if (!request_length(digits, &number) || number > UINT16_MAX)
        return false;
    word->len = (size_t)(colon - word->data);
    *port = htons((uint16_t)number);
    return true;
}

bool
address_parse(struct address *address, struct slice word)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->ip;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->ip;
    char host[INET6_ADDRSTRLEN];
    uint16_t port;

    memset(address, 0, sizeof(*address));
    if (word.len > 5 && !memcmp(word.data, "unix:", 5)) {
        if (word.data[5] != '/' || word.len - 5 >= sizeof(address->path))
            return false;
        memcpy(address->path, word.data + 5, word.len - 5);
        return true;
    }

    if (!take_port(&word, &port))
        return false;
    if (word.len >= 2 && word.data[0] == '[' &&
        word.data[word.len - 1] == ']' && word.len - 2 < sizeof(host)) {
        memcpy(host, word.data + 1, word.len - 2);
        host[word.len - 2] = '\0';
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
    }
    if (!word.len || word.len >= sizeof(host))
        return false;
    memcpy(host, word.data, word.len);
    host[word.len] = '\0';
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

bool
address_is(const struct address *address, const struct sockaddr_storage *name)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->ip;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->ip;
    const struct sockaddr_in *its4 = (const struct sockaddr_in *)name;
    const struct sockaddr_in6 *its6 = (const struct sockaddr_in6 *)name;
    const struct sockaddr_un *its_path = (const struct sockaddr_un *)name;

    if (*address->path)
        return name->ss_family == AF_UNIX &&
               !strcmp(its_path->sun_path, address->path);
    if (name->ss_family != address->ip.ss_family)
        return false;
    if (name->ss_family == AF_INET)
        return v4->sin_port == its4->sin_port &&
               v4->sin_addr.s_addr == its4->sin_addr.s_addr;
    return v6->sin6_port == its6->sin6_port &&
           !memcmp(&v6->sin6_addr, &its6->sin6_addr, sizeof(v6->sin6_addr));
}

bool
address_is_public(const struct address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->ip;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->ip;

    if (*address->path)
        return false;
    if (address->ip.ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 != 127;
    return memcmp(&v6->sin6_addr, &in6addr_loopback,
                  sizeof(in6addr_loopback)) != 0;
}
