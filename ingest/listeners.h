#pragma once

struct server;
struct settings;

/*
 * The sockets on which a server listens: its own, or those that systemd handed
 * over.
 */

/** listeners_check(): complains about addresses that are none. */
void listeners_check(struct settings *settings);

/**
 * listeners_open(): listen where @settings says, or on the sockets that systemd
 * handed over (sd_listen_fds(3), told apart by LISTEN_FDNAMES: admin, internal,
 * and all others are public).
 * Where those differ from the settings, that is logged.
 *
 * An internal address that cannot be had is logged, and no fault.
 *
 * Return: 0, or a negative errno that has been logged.
 */
int listeners_open(struct server *server, const struct settings *settings);

/** listeners_close(): no new connections. */
void listeners_close(struct server *server);
