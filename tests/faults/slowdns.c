/*
 * LD_PRELOAD: a name server that says nothing for half a minute.
 */
#include <netdb.h>
#include <unistd.h>

int
getaddrinfo(const char *name, const char *service,
            const struct addrinfo *hints, struct addrinfo **found)
{
    (void)name, (void)service, (void)hints, (void)found;
    (void)sleep(30);
    return EAI_AGAIN;
}
