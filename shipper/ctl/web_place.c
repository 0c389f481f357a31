#include "common/settings.h"
#include "shipper/ctl/certificate.h"
#include "shipper/ctl/web.h"

#include <stdio.h>
#include <string.h>

const char *
web_place_url(struct web_place *place, const char *url)
{
    size_t len = strlen(url), scheme;

    scheme = !strncmp(url, "https://", 8)  ? 8
             : !strncmp(url, "http://", 7) ? 7
                                           : 0;
    if (!scheme || !url[scheme] || url[scheme] == '/')
        return "give https://HOST or http://HOST:PORT";
    if (strcspn(url, "?# \"\\@") != len)
        return "give an address without user, query and fragment";
    while (len > scheme && url[len - 1] == '/')
        len--;
    if (len >= WEB_BASE_SIZE)
        return "give a shorter address";
    (void)snprintf(place->base, sizeof(place->base), "%.*s", (int)len, url);
    return NULL;
}

/* What listens on all addresses is asked on loopback. */
static const char *
host_of(struct slice address)
{
    static char host[WEB_BASE_SIZE / 4];

    if (slice_is(address, "0.0.0.0") || slice_is(address, "*"))
        return "127.0.0.1";
    if (slice_is(address, "[::]"))
        return "[::1]";
    (void)snprintf(host, sizeof(host), "%.*s", (int)address.len, address.data);
    return host;
}

const char *
web_place_listen(struct web_place *place, const char *words,
                 const char *certificate)
{
    struct certificate ours = {0};
    struct slice word, port;
    const char *host;

    word.data = settings_word(&words, &word.len);
    if (!word.data)
        return "it listens nowhere";
    place->local = true;
    if (word.len > 5 && !memcmp(word.data, "unix:", 5)) {
        if (word.len - 5 >= WEB_SOCKET_SIZE)
            return "the socket's path is too long";
        (void)snprintf(place->socket, sizeof(place->socket), "%.*s",
                       (int)word.len - 5, word.data + 5);
        (void)snprintf(place->base, sizeof(place->base), "http://localhost");
        return NULL;
    }
    port.data = memrchr(word.data, ':', word.len);
    if (!port.data || word.len >= WEB_BASE_SIZE / 4)
        return "its address is none";
    port.len = word.len - (size_t)(port.data - word.data);
    host = host_of((struct slice){word.data, word.len - port.len});
    if (!certificate || !*certificate) {
        (void)snprintf(place->base, sizeof(place->base), "http://%s%.*s", host,
                       (int)port.len, port.data);
        return NULL;
    }
    if (certificate_read(&ours, certificate) < 0 || !*ours.name)
        return "its certificate tells no name: give --url";
    (void)snprintf(place->base, sizeof(place->base), "https://%s%.*s",
                   ours.name, (int)port.len, port.data);
    (void)snprintf(place->connect_to, sizeof(place->connect_to), "::%s%.*s",
                   host, (int)port.len, port.data);
    return NULL;
}
