/*
 * sink: a CloudWatch Logs that says yes to everything and keeps nothing, as
 * cheaply as it can.  Listens on a free port of 127.0.0.1, which it prints,
 * until it is killed.  Reads HTTP/1.1 with Content-Length alone, from one
 * client at a time per connection; good for benchmarks only.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, HEAD_MAX = 16 * 1024 };

struct client {
    char head[HEAD_MAX + 1];
    size_t len;  /* of head */
    size_t body; /* bytes still to come and to be thrown away */
    int due;     /* whether an answer is, once they have */
};

static struct pollfd polled[1 + CLIENTS_MAX]; /* 0: the listener */
static struct client clients[1 + CLIENTS_MAX];
static size_t used = 1;

static void
answer(int fd)
{
    static const char body[] = "{\"nextSequenceToken\":\"1\"}";
    time_t now = time(NULL);
    char date[64], bytes[512];
    int len;

    (void)strftime(date, sizeof(date), "%a, %d %b %Y %T GMT", gmtime(&now));
    len = snprintf(bytes, sizeof(bytes),
                   "HTTP/1.1 200 OK\r\nDate: %s\r\n"
                   "x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n"
                   "Content-Type: application/x-amz-json-1.1\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   date, sizeof(body) - 1, body);
    (void)send(fd, bytes, (size_t)len, MSG_NOSIGNAL);
}

/* The head is whole: how long is the body, and what of it is here already? */
static void
begin_body(int fd, struct client *client, const char *end)
{
    size_t head = (size_t)(end - client->head) + 4;
    size_t here = client->len - head;
    const char *length;

    client->head[client->len] = '\0';
    length = strcasestr(client->head, "\r\ncontent-length:");
    client->body = length ? strtoul(length + 17, NULL, 10) : 0;
    if (strcasestr(client->head, "100-continue"))
        (void)send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
    client->body -= here < client->body ? here : client->body;
    client->due = 1;
    client->len = 0;
}

/* Return: 0, or -1 once the client is gone. */
static int
serve(int fd, struct client *client)
{
    static char thrown[256 * 1024];
    ssize_t n;

    if (client->body) {
        size_t most = client->body < sizeof(thrown) ? client->body
                                                    : sizeof(thrown);

        n = recv(fd, thrown, most, 0);
        client->body -= n > 0 ? (size_t)n : 0;
    } else {
        const char *end;

        n = recv(fd, client->head + client->len, HEAD_MAX - client->len, 0);
        client->len += n > 0 ? (size_t)n : 0;
        end = memmem(client->head, client->len, "\r\n\r\n", 4);
        if (end)
            begin_body(fd, client, end);
        else if (client->len == HEAD_MAX)
            return -1;
    }
    if (n > 0 && client->due && !client->body) {
        answer(fd);
        client->due = 0;
    }
    return n > 0 ? 0 : -1;
}

static int
listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
        listen(fd, CLIENTS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        err(EX_OSERR, "listen");
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

int
main(void)
{
    polled[0] = (struct pollfd){.fd = listen_somewhere(), .events = POLLIN};
    for (;;) {
        if (poll(polled, used, -1) < 0)
            err(EX_OSERR, "poll");
        for (size_t i = used - 1; i > 0; i--) {
            if (!polled[i].revents)
                continue;
            if (serve(polled[i].fd, &clients[i]) < 0) {
                (void)close(polled[i].fd);
                used--;
                polled[i] = polled[used];
                clients[i] = clients[used];
            }
        }
        if (polled[0].revents && used <= CLIENTS_MAX) {
            int fd = accept4(polled[0].fd, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0) {
                polled[used] = (struct pollfd){.fd = fd, .events = POLLIN};
                memset(&clients[used++], 0, sizeof(*clients));
            }
        }
    }
}
