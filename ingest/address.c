#include "ingest/address.h"

#include "ingest/request_line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool
take_port(struct slice *word, uint16_t *port)
{
    const char *colon =
        word->len ? memrchr(word->data, ':', word->len) : NULL;
    struct slice digits;
    uint64_t number;

    if (!colon)
        return false;
    digits = (struct slice){
        colon + 1, word->len - (size_t)(colon + 1 - word->data)};
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
