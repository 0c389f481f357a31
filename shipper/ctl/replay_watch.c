#include "shipper/ctl/replay_watch.h"

#include "common/fileio.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/shipped.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LOOK_MS = 200 };

static uint64_t
size_of(const struct ctl *ctl, uint64_t number)
{
    char name[SPOOL_NAME_SIZE];
    struct stat st;

    return fstatat(ctl->dirfd, spool_name(number, name), &st, 0)
               ? 0
               : (uint64_t)st.st_size;
}

/* What of retry/ is not done with.  Return: 0, or an exit code, told. */
static int
bytes_left(const struct ctl *ctl, uint64_t *left)
{
    struct shipped shipped;
    struct spool_position done;
    struct spool_list list;
    int code = shipped_read(&shipped, ctl), r;

    *left = 0;
    if (code)
        return code;
    done = shipped.checkpoint.retry;
    shipped_deinit(&shipped);
    r = spool_list_retry(&list, ctl->dirfd);
    if (r)
        return ctl_fail(ctl, SPOOL_RETRY, r);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t size = size_of(ctl, list.numbers[i]);

        if (list.numbers[i] == done.segment)
            *left += size > done.offset ? size - done.offset : 0;
        else if (list.numbers[i] > done.segment)
            *left += size;
    }
    spool_list_deinit(&list);
    return CTL_OK;
}

int
replay_watch(const struct ctl *ctl)
{
    struct progress progress;
    uint64_t left, before;
    int code = bytes_left(ctl, &before);

    progress_init(&progress, "sending", before, true);
    for (left = before; !code && left; before = left) {
        if (fileio_locked(ctl->dirfd, SPOOL_SHIPPER_LOCK) == 0) {
            progress_wipe(&progress);
            fputs("clickspoolctl: shipper does not run: the rest is sent when "
                  "it does\n",
                  stderr);
            return CTL_UNREACHABLE;
        }
        if (!print_wait(LOOK_MS))
            break;
        code = bytes_left(ctl, &left);
        progress_add(&progress, before > left ? before - left : 0);
    }
    progress_wipe(&progress);
    return code;
}
