#include "common/service.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATUS_MAX = 512 };

static int
notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    int fd;

    if (!len || len >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, len);
    if (*path == '@') /* a name in the abstract namespace */
        address.sun_path[0] = '\0';

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                       len)) < 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* Lost words to the manager are not worth an error: it has time-outs. */
static void
notify(const struct service *service, const char *text)
{
    if (service->notify_fd >= 0)
        (void)send(service->notify_fd, text, strlen(text), MSG_NOSIGNAL);
}

static void
on_hangup(uv_signal_t *signal, int number)
{
    struct service *service = signal->data;

    (void)number;
    if (!service->stopping)
        service->reload(service->owner);
}

static void
on_stop(uv_signal_t *signal, int number)
{
    struct service *service = signal->data;

    (void)number;
    if (service->stopping)
        return;
    service->stopping = 1;
    notify(service, "STOPPING=1\nSTATUS=draining");
    service->stop(service->owner);
}

static void
on_watchdog(uv_timer_t *timer)
{
    notify(timer->data, "WATCHDOG=1");
}

/* sd_watchdog_enabled(3): the time counts for the process that is named. */
static uint64_t
watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    return strtoull(usec, NULL, 10) / 1000;
}

static int
watch_signal(struct service *service, uv_loop_t *loop, uv_signal_t *handle,
             uv_signal_cb callback, int number)
{
    int r = uv_signal_init(loop, handle);

    handle->data = service;
    return r ? r : uv_signal_start(handle, callback, number);
}

int
service_start(struct service *service, uv_loop_t *loop, void *owner,
              void (*reload)(void *owner), void (*stop)(void *owner))
{
    uint64_t every = watchdog_ms() / 2;
    int r;

    *service = (struct service){.reload = reload,
                                .stop = stop,
                                .owner = owner,
                                .notify_fd = -1};
    r = watch_signal(service, loop, &service->hangup, on_hangup, SIGHUP);
    if (!r)
        r = watch_signal(service, loop, &service->terminate, on_stop, SIGTERM);
    if (!r)
        r = watch_signal(service, loop, &service->interrupt, on_stop, SIGINT);
    if (!r)
        r = uv_timer_init(loop, &service->watchdog);
    if (r)
        return r;

    service->notify_fd = notify_open();
    service->watchdog.data = service;
    return every ? uv_timer_start(&service->watchdog, on_watchdog, every, every)
                 : 0;
}

void
service_ready(struct service *service)
{
    notify(service, "READY=1");
}

void
service_reloading(struct service *service)
{
    char text[80];

    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   clock_mono_us());
    notify(service, text);
}

void
service_status(struct service *service, const char *format, ...)
{
    char text[STATUS_MAX] = "STATUS=";
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text + strlen(text), sizeof(text) - strlen(text), format,
                    args);
    va_end(args);
    notify(service, text);
}

void
service_close(struct service *service)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&service->hangup,
                              (uv_handle_t *)&service->terminate,
                              (uv_handle_t *)&service->interrupt,
                              (uv_handle_t *)&service->watchdog};

    for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
    if (service->notify_fd >= 0)
        (void)close(service->notify_fd);
    service->notify_fd = -1;
}
