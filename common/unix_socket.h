#pragma once

#include <stdbool.h>

/*
 * Sockets that have a name in the file system.
 */
enum { UNIX_SOCKET_PATH_MAX = 107 };

/** unix_socket_path_ok(): absolute, and short enough for the kernel. */
bool unix_socket_path_ok(const char *path);

/** unix_socket_remove_stale(): a socket file that nobody answers on is what a
 * crash has left: it goes.  One that is alive stays. */
void unix_socket_remove_stale(const char *path);

/**
 * unix_socket_peer_ok(): whether the peer of @fd is root, of our own user, or
 * in the group of the socket file @path.  In a user namespace (PrivateUsers=)
 * everybody is 65534: then the file's mode has decided already.
 */
bool unix_socket_peer_ok(int fd, const char *path);
