#pragma once

#include <uv.h>

/*
 * A daemon's ties to the system: SIGHUP, SIGTERM and SIGINT, and systemd's
 * readiness protocol (sd_notify(3): READY, STATUS, RELOADING, STOPPING and
 * WATCHDOG datagrams to $NOTIFY_SOCKET; nothing is sent where it is unset).
 *
 * WATCHDOG=1 is sent by a timer of the loop itself, at half of $WATCHDOG_USEC:
 * a loop that hangs falls silent.
 */
struct service {
    uv_signal_t hangup, terminate, interrupt;
    uv_timer_t watchdog;
    void (*reload)(void *owner); /* SIGHUP, from the loop */
    void (*stop)(void *owner);   /* SIGTERM or SIGINT, from the loop; once */
    void *owner;
    int notify_fd;
    int stopping;
};

/** service_start(): callbacks may come from now on; nothing is told yet. */
int service_start(struct service *service, uv_loop_t *loop, void *owner,
                  void (*reload)(void *owner), void (*stop)(void *owner));

/** service_ready(): READY=1, after a start or at the end of a reload. */
void service_ready(struct service *service);

/** service_reloading(): RELOADING=1; service_ready() ends it. */
void service_reloading(struct service *service);

/** service_status(): one line for `systemctl status`. */
void service_status(struct service *service, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** service_close(): lets go of the loop, which has to run for its handles. */
void service_close(struct service *service);
