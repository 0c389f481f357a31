#include "shipper/ctl/as_shipper.h"

#include "shipper/ctl/broker_ask.h"
#include "shipper/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 256 * 1024, PATH_SIZE = 64 };

extern char **environ;

/* What of an environment says where keys, settings and the way out are. */
static bool
decides(const char *name, size_t len)
{
    static const char *const whole[] = {
        "CREDENTIALS_DIRECTORY",
        "HOME",
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    };

    if (!strncmp(name, "AWS_", 4) || !strncmp(name, "CLICKSPOOL_", 11))
        return true;
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
        if (strlen(whole[i]) == len && !memcmp(name, whole[i], len))
            return true;
    return false;
}

/* Return: 0 or a negative errno. */
static int
forget_own(void)
{
    for (char **at = environ; *at;) {
        size_t len = strcspn(*at, "=");
        char *name;
        int r;

        if (!decides(*at, len)) {
            at++;
            continue;
        }
        name = strndup(*at, len);
        r = name && unsetenv(name) == 0 ? 0 : -errno;
        free(name);
        if (r)
            return r;
        at = environ; /* it has moved */
    }
    return 0;
}

/* @text is `NAME=value` after `NAME=value`, each with its NUL. */
static int
take_theirs(char *text, size_t len)
{
    for (char *one = text; one < text + len; one += strlen(one) + 1) {
        size_t name = strcspn(one, "=");

        if (!one[name] || !decides(one, name))
            continue;
        one[name] = '\0';
        if (setenv(one, one + name + 1, 1) < 0)
            return -errno;
        one[name] = '=';
    }
    return 0;
}

/* Return: how many bytes, or a negative errno. */
static ssize_t
read_environment(pid_t pid, char text[ENVIRONMENT_MAX])
{
    char path[PATH_SIZE];
    size_t len = 0;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    do {
        n = read(fd, text + len, ENVIRONMENT_MAX - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    n = n < 0 ? -errno : len == ENVIRONMENT_MAX - 1 ? -E2BIG : (ssize_t)len;
    (void)close(fd);
    text[len] = '\0';
    return n;
}

static int
take_environment(pid_t pid)
{
    char *text = malloc(ENVIRONMENT_MAX);
    ssize_t len;
    int r;

    if (!text)
        return -ENOMEM;
    len = read_environment(pid, text);
    r = len < 0 ? (int)len : forget_own();
    if (!r)
        r = take_theirs(text, (size_t)len);
    explicit_bzero(text, ENVIRONMENT_MAX); /* keys may be in there */
    free(text);
    return r;
}

/* For good: the saved ids change as well. */
static int
take_ids(const struct ucred *peer)
{
    if (setgroups(1, &peer->gid) < 0 ||
        setresgid(peer->gid, peer->gid, peer->gid) < 0 ||
        setresuid(peer->uid, peer->uid, peer->uid) < 0)
        return -errno;
    return 0;
}

int
as_shipper(const struct ctl *ctl)
{
    const char *socket = ctl->settings.broker.socket;
    struct ucred peer;
    int r;

    if (geteuid() != 0) {
        fputs("clickspoolctl: --as-shipper is for root: run it by sudo, or "
              "without, with credentials of your own\n",
              stderr);
        return CTL_UNREACHABLE;
    }
    r = broker_peer(socket, &peer);
    if (r) {
        fprintf(stderr,
                "clickspoolctl: --as-shipper: shipper does not listen at %s: "
                "%s; start it, as what it was given is gone with it\n",
                socket, strerror(-r));
        return CTL_UNREACHABLE;
    }
    r = take_environment(peer.pid);
    if (!r)
        r = take_ids(&peer);
    if (r) {
        fprintf(stderr,
                "clickspoolctl: --as-shipper: what process %ld has cannot be "
                "taken: %s\n",
                (long)peer.pid, strerror(-r));
        return CTL_UNREACHABLE;
    }
    return CTL_OK;
}
