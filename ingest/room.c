#include "ingest/room.h"

#include "common/checkpoint.h"
#include "common/log.h"
#include "common/settings.h"
#include "common/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOOK_BYTES = 1024 * 1024 };

void
room_init(struct room *room, int dirfd, const struct settings *settings)
{
    uint64_t reserve = 2 * (uint64_t)settings->spool.segment_size;

    *room = (struct room){
        .dirfd = dirfd,
        .max_unshipped = (uint64_t)settings->spool.max_unshipped,
        .min_free = (uint64_t)settings->spool.min_free,
    };
    if (room->min_free < reserve)
        room->min_free = reserve;
}

static uint64_t
unshipped_bytes(const struct room *room)
{
    struct spool_position position = {0};
    struct checkpoint checkpoint;
    struct spool_list list;
    uint64_t bytes = 0;

    /* Without a checkpoint that can be read nothing counts as shipped. */
    if (checkpoint_read(&checkpoint, room->dirfd) == 0) {
        position = checkpoint.position;
        checkpoint_deinit(&checkpoint);
    }
    if (spool_list_read(&list, room->dirfd) < 0)
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        char name[SPOOL_NAME_SIZE];
        struct stat st;

        if (list.numbers[i] < position.segment ||
            fstatat(room->dirfd, spool_name(list.numbers[i], name), &st, 0) < 0)
            continue;
        bytes += (uint64_t)st.st_size;
        if (list.numbers[i] == position.segment)
            bytes -= position.offset < bytes ? position.offset : bytes;
    }
    spool_list_deinit(&list);
    return bytes;
}

void
room_look(struct room *room)
{
    const char *full = NULL;
    struct statvfs disk;

    room->draining = faccessat(room->dirfd, SPOOL_DRAINING, F_OK, 0) == 0;
    if (room->draining)
        full =
            "the spool is being drained: clickspoolctl drain --end ends that";
    else if (fstatvfs(room->dirfd, &disk) == 0 &&
             disk.f_bavail * disk.f_frsize < room->min_free)
        full = "the disk has less room than min_free";
    else if (unshipped_bytes(room) > room->max_unshipped)
        full = "more than max_unshipped waits to be shipped";

    if (full && !room->full)
        log_error("spool_full", log_text("cause", full),
                  log_text("next", "events are answered 503"), );
    else if (!full && room->full)
        log_notice("spool_has_room", );
    room->full = full;
    room->unseen = 0;
}

void
room_take(struct room *room, uint64_t bytes)
{
    room->unseen += bytes;
    if (room->unseen >= LOOK_BYTES)
        room_look(room);
}
