#include "shipper/retention.h"

#include "common/log.h"
#include "common/settings.h"
#include "shipper/dead_letter.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct sweep {
    int dirfd;
    const struct settings *settings;
    const struct dead_letter *dead;
    int64_t now_ms;
    uint64_t kept_bytes; /* of shipped segments that are still there */
};

static bool
get_size(const struct sweep *sweep, uint64_t number, struct stat *st)
{
    char name[SPOOL_NAME_SIZE];

    return fstatat(sweep->dirfd, spool_name(number, name), st, 0) == 0;
}

/* ingest refuses events below its own limit: a segment before that, what is
 * kept for people to look at gives way. */
static bool
disk_is_short(const struct sweep *sweep)
{
    uint64_t segment = (uint64_t)sweep->settings->spool.segment_size;
    uint64_t least = (uint64_t)sweep->settings->spool.min_free;
    struct statvfs disk;

    if (least < 2 * segment)
        least = 2 * segment;
    return fstatvfs(sweep->dirfd, &disk) == 0 &&
           disk.f_bavail * disk.f_frsize < least + segment;
}

/* Why a shipped segment may go, or NULL. */
static const char *
may_go(const struct sweep *sweep, const struct stat *st)
{
    int64_t written_ms = (int64_t)st->st_mtim.tv_sec * 1000;

    if (sweep->now_ms - written_ms >= sweep->settings->spool.retain)
        return "retain";
    if (sweep->kept_bytes > (uint64_t)sweep->settings->spool.retain_size)
        return "retain_size";
    return disk_is_short(sweep) ? "room is short" : NULL;
}

/* Return: whether the next one may be looked at. */
static bool
sweep_one(struct sweep *sweep, uint64_t number)
{
    char name[SPOOL_NAME_SIZE];
    const char *why;
    struct stat st;

    if (dead_letter_keeps(sweep->dead, number) || !get_size(sweep, number, &st))
        return true;
    why = may_go(sweep, &st);
    if (!why)
        return true;
    if (unlinkat(sweep->dirfd, spool_name(number, name), 0) < 0) {
        log_warning("segment_not_removed", log_text("segment", name),
                    log_errno(errno), );
        return false;
    }
    sweep->kept_bytes -= (uint64_t)st.st_size;
    log_info("segment_removed", log_text("segment", name),
             log_text("because", why), );
    return true;
}

void
retention_sweep(int dirfd, const struct settings *settings,
                const struct dead_letter *dead, struct spool_position durable,
                int64_t now_ms)
{
    struct sweep sweep = {dirfd, settings, dead, now_ms, 0};
    struct spool_list list;
    struct stat st;
    size_t shipped = 0;

    if (spool_list_read(&list, dirfd) < 0)
        return;
    /* The list's last one is the highest, whatever the checkpoint says. */
    while (shipped + 1 < list.count && list.numbers[shipped] < durable.segment)
        if (get_size(&sweep, list.numbers[shipped++], &st))
            sweep.kept_bytes += (uint64_t)st.st_size;
    for (size_t i = 0; i < shipped; i++)
        if (!sweep_one(&sweep, list.numbers[i]))
            break;
    spool_list_deinit(&list);
}
