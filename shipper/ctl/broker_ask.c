#include "shipper/ctl/broker_ask.h"

#include "common/ask.h"
#include "common/buf.h"
#include "common/json.h"
#include "shipper/ctl/ctl.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 60, CHUNK = 4096 };

/* Return: a connected socket, or a negative errno. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    (void)strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    return fd;
}

int
broker_peer(const char *path, struct ucred *peer)
{
    socklen_t len = sizeof(*peer);
    int fd = connect_to(path);
    int r;

    if (fd < 0)
        return fd;
    r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

static int
send_all(int fd, const struct buf *line)
{
    for (size_t sent = 0; sent < line->len;) {
        ssize_t n = send(fd, line->data + sent, line->len - sent, MSG_NOSIGNAL);

        if (n < 0)
            return -errno;
        sent += (size_t)n;
    }
    return 0;
}

static int
read_line(int fd, struct buf *line)
{
    char chunk[CHUNK];

    for (;;) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

        if (n <= 0)
            return n ? -errno : -ECONNRESET;
        if (buf_append(line, chunk, (size_t)n) < 0)
            return -EMSGSIZE;
        if (line->data[line->len - 1] == '\n')
            return 0;
    }
}

static int
exchange(const char *path, const struct buf *ask, struct buf *answer)
{
    int fd = connect_to(path);
    int r;

    if (fd < 0)
        return fd;
    r = send_all(fd, ask);
    if (!r)
        r = read_line(fd, answer);
    (void)close(fd);
    return r;
}

int
broker_ask(const struct ctl *ctl, const struct buf *members,
           struct cJSON **answer)
{
    const char *path = ctl->settings.broker.socket;
    struct buf ask, line;
    int r;

    *answer = NULL;
    buf_init(&ask, ASK_LINE_MAX);
    buf_init(&line, ASK_ANSWER_MAX);
    ask_begin(&ask, 1);
    (void)buf_append(&ask, members->data, members->len);
    ask_end(&ask);
    r = ask.failed ? ask.failed : exchange(path, &ask, &line);
    if (!r)
        *answer = json_parse(line.data, line.len);
    buf_deinit(&ask);
    buf_deinit(&line);
    if (r || !*answer) {
        fprintf(stderr, "clickspoolctl: shipper does not answer at %s: %s\n",
                path, r ? strerror(-r) : "that is no JSON");
        return CTL_UNREACHABLE;
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(*answer, "ok")))
        return CTL_OK;
    fprintf(stderr, "clickspoolctl: shipper says no: %s\n",
            json_get_string(*answer, "why"));
    cJSON_Delete(*answer);
    *answer = NULL;
    return CTL_UNREACHABLE;
}
