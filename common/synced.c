#include "common/synced.h"

#include "common/boot.h"
#include "common/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SYNCED_VERSION = 1,
    SYNCED_BYTES = 4096,
    READ_TRIES = 10000,
};

/* In the machine's own byte order: the page never leaves the machine. */
struct synced_page {
    _Atomic uint32_t version;
    _Atomic uint32_t sequence; /* odd while the rest changes */
    char boot_id[BOOT_ID_LEN + 4];
    _Atomic uint64_t segment;
    _Atomic uint64_t offset;
};

struct synced {
    struct synced_page *page;
    char boot_id[BOOT_ID_LEN + 4];
};

static int
synced_map(struct synced **out, int fd, int protection)
{
    struct synced *synced = calloc(1, sizeof(*synced));
    int r;

    if (!synced)
        return -ENOMEM;
    r = boot_id(synced->boot_id);
    if (r < 0)
        goto fail;
    synced->page = mmap(NULL, SYNCED_BYTES, protection, MAP_SHARED, fd, 0);
    if (synced->page == MAP_FAILED) {
        r = -errno;
        synced->page = NULL;
        goto fail;
    }
    *out = synced;
    return 0;

fail:
    synced_close(synced);
    return r;
}

int
synced_create(struct synced **out, int dirfd)
{
    uint32_t version;
    int fd, r;

    fd = fileio_open(dirfd, SPOOL_SYNCED, O_RDWR | O_CREAT);
    if (fd < 0)
        return fd;

    /* Without blocks of its own a store into the page could hit a full disk,
     * which the kernel tells by SIGBUS. */
    r = -posix_fallocate(fd, 0, SYNCED_BYTES);
    if (!r)
        r = synced_map(out, fd, PROT_READ | PROT_WRITE);
    (void)close(fd);
    if (r < 0)
        return r;

    version = atomic_load(&(*out)->page->version);
    if (version && version != SYNCED_VERSION) {
        synced_close(*out);
        *out = NULL;
        return -EPROTO;
    }
    return 0;
}

int
synced_open(struct synced **out, int dirfd)
{
    int64_t size;
    int fd, r;

    fd = fileio_open(dirfd, SPOOL_SYNCED, O_RDONLY);
    if (fd < 0)
        return fd;
    size = fileio_size(fd);
    if (size < 0)
        r = (int)size;
    else if (size < SYNCED_BYTES)
        r = -ENOENT; /* its writer is just making it */
    else
        r = synced_map(out, fd, PROT_READ);
    (void)close(fd);
    if (r < 0)
        return r;

    if (atomic_load(&(*out)->page->version) > SYNCED_VERSION) {
        synced_close(*out);
        *out = NULL;
        return -EPROTO;
    }
    return 0;
}

void
synced_close(struct synced *synced)
{
    if (!synced)
        return;
    if (synced->page)
        (void)munmap(synced->page, SYNCED_BYTES);
    free(synced);
}

void
synced_publish(struct synced *synced, struct spool_position position)
{
    struct synced_page *page = synced->page;
    uint32_t sequence = atomic_load(&page->sequence) | 1;

    /* A writer that died within publishing left the counter odd. */
    atomic_store(&page->sequence, sequence);
    atomic_thread_fence(memory_order_seq_cst);
    memcpy(page->boot_id, synced->boot_id, sizeof(page->boot_id));
    atomic_store(&page->version, SYNCED_VERSION);
    atomic_store(&page->segment, position.segment);
    atomic_store(&page->offset, position.offset);
    atomic_store(&page->sequence, sequence + 1);
}

int
synced_read(const struct synced *synced, struct spool_position *position)
{
    const struct synced_page *page = synced->page;

    for (int tries = 0; tries < READ_TRIES; tries++) {
        uint32_t before = atomic_load(&page->sequence);
        char boot_id[BOOT_ID_LEN + 4];

        if (before & 1) {
            (void)sched_yield();
            continue;
        }
        memcpy(boot_id, page->boot_id, sizeof(boot_id));
        position->segment = atomic_load(&page->segment);
        position->offset = atomic_load(&page->offset);
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(&page->sequence) != before)
            continue;
        return position->segment &&
               !memcmp(boot_id, synced->boot_id, sizeof(boot_id));
    }
    return 0;
}
