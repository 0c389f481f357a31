#include "shipper/stream_name.h"

#include "common/buf.h"
#include "common/settings.h"

#include <string.h>

enum { NAME_MAX_LEN = 512 };

#define HOSTNAME "{hostname}"

void
stream_name(struct buf *out, const char *pattern, const char *hostname)
{
    while (*pattern) {
        if (!strncmp(pattern, HOSTNAME, strlen(HOSTNAME))) {
            (void)buf_puts(out, hostname);
            pattern += strlen(HOSTNAME);
        } else {
            (void)buf_putc(out, *pattern++);
        }
    }
}

static const char group_chars[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_/#";

static void
check_group(struct settings *settings)
{
    const char *group = settings->shipper.log_group;
    size_t len = strlen(group);

    if (!len || len > NAME_MAX_LEN || strspn(group, group_chars) != len)
        settings_complain(settings, "shipper.log_group",
                          "\"%s\" is no log group: give 1 to 512 of "
                          "A-Z a-z 0-9 . - _ / #",
                          group);
    else if (!strncmp(group, "aws/", 4))
        settings_complain(settings, "shipper.log_group",
                          "\"%s\": names that begin with aws/ are reserved",
                          group);
}

void
stream_name_check(struct settings *settings)
{
    const char *pattern = settings->shipper.log_stream;
    struct buf rest;

    check_group(settings);
    buf_init(&rest, 64 * 1024);
    stream_name(&rest, pattern, "h");
    (void)buf_putc(&rest, '\0');
    if (rest.failed || rest.len < 2 || rest.len - 1 > NAME_MAX_LEN ||
        strpbrk(rest.data, ":*"))
        settings_complain(settings, "shipper.log_stream",
                          "\"%s\" is no log stream: give 1 to 512 characters "
                          "without : and *",
                          pattern);
    else if (strpbrk(rest.data, "{}"))
        settings_complain(settings, "shipper.log_stream",
                          "\"%s\": only {hostname} can be filled in", pattern);
    buf_deinit(&rest);
}
