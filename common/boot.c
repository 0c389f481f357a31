#include "common/boot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a UUID has its hyphens. */
static bool
is_hyphen(int at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

static int
from_environment(char id[BOOT_ID_LEN + 1])
{
    const char *digits = getenv("CLICKSPOOL_BOOT_ID");

    if (!digits)
        return -ENOENT;
    for (int at = 0; at < BOOT_ID_LEN; at++) {
        if (is_hyphen(at))
            id[at] = '-';
        else if (isxdigit((unsigned char)*digits))
            id[at] = (char)tolower((unsigned char)*digits++);
        else
            return -EINVAL;
    }
    id[BOOT_ID_LEN] = '\0';
    return *digits ? -EINVAL : 0;
}

int
boot_id(char id[BOOT_ID_LEN + 1])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? from_environment(id) : -errno;
    n = read(fd, id, BOOT_ID_LEN);
    (void)close(fd);
    id[BOOT_ID_LEN] = '\0';
    return n == BOOT_ID_LEN ? 0 : -EIO;
}
