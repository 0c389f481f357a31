#include "common/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GROUPS_MAX = 256, NOBODY = 65534 };

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

bool
unix_socket_path_ok(const char *path)
{
    return *path == '/' && strlen(path) <= UNIX_SOCKET_PATH_MAX;
}

void
unix_socket_remove_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) > UNIX_SOCKET_PATH_MAX)
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

static bool
peer_in_group(int fd, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t len = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof(*groups); i++)
        if (groups[i] == group)
            return true;
    return false;
}

bool
unix_socket_peer_ok(int fd, const char *path)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct stat st;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        stat(path, &st) < 0)
        return false;
    return peer.uid == 0 || peer.uid == NOBODY || peer.uid == geteuid() ||
           peer.gid == st.st_gid || peer_in_group(fd, st.st_gid);
}
