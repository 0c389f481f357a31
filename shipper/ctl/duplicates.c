#include "shipper/ctl/duplicates.h"

#include "common/fileio.h"
#include "common/line.h"
#include "common/siphash.h"
#include "shipper/ctl/progress.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

/* An id's hash, and where it was met: bytes from the spool's beginning, plus
 * one, so that an empty slot is all zero. */
struct slot {
    uint64_t hash;
    uint64_t place;
};

enum { SLOTS_MIN = 64 };

struct search {
    const struct walk *walk;
    struct progress *progress;
    void (*found)(void *owner, const struct duplicate *one);
    void *owner;

    struct siphash_key key;
    struct slot *slots;
    uint64_t mask; /* the number of slots, less one */
    uint64_t used;
    uint64_t passes, pass;
    uint64_t *bases; /* where each segment of the walk begins, as places */
};

/* A fuller table is a slow one. */
static uint64_t
ids_in(uint64_t slots)
{
    return slots / 4 * 3;
}

uint64_t
duplicates_passes(uint64_t entries, size_t table_bytes)
{
    uint64_t most = ids_in(table_bytes / sizeof(struct slot));

    return entries / most + (entries % most != 0);
}

/* Ids are hexadecimal digits in either case. */
static uint64_t
hash_id(const struct search *search, const char *id)
{
    char lower[LINE_ID_LEN];

    for (size_t i = 0; i < LINE_ID_LEN; i++)
        lower[i] = id[i] >= 'A' && id[i] <= 'F' ? (char)(id[i] | 0x20) : id[i];
    return siphash(&search->key, lower, sizeof(lower));
}

static struct spool_position
position_of(const struct search *search, uint64_t place)
{
    size_t low = 0, high = search->walk->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (search->bases[middle] < place)
            low = middle;
        else
            high = middle;
    }
    return (struct spool_position){search->walk->segments[low].number,
                                   place - 1 - search->bases[low]};
}

/* Return: 1 where the entry at @position has that very id, 0, or an errno. */
static int
has_id(const struct search *search, struct spool_position position,
       const char *id)
{
    char there[LINE_ID_LEN];
    ssize_t n;
    int fd;

    fd = spool_open_segment(search->walk->dirfd, position.segment);
    if (fd < 0)
        return fd;
    n = fileio_read_at(fd, there, sizeof(there), position.offset + LINE_ID_AT);
    (void)close(fd);
    if (n < 0)
        return (int)n;
    return n == LINE_ID_LEN && !strncasecmp(there, id, LINE_ID_LEN);
}

/* Two ids may share a hash: the entry itself is asked. */
static int
look_up(struct search *search, uint64_t hash, uint64_t place, const char *id)
{
    struct slot *slot = &search->slots[hash & search->mask];

    for (; slot->place; slot = slot == &search->slots[search->mask]
                                   ? search->slots
                                   : slot + 1) {
        struct duplicate one = {.event_id = id};
        int r;

        if (slot->hash != hash)
            continue;
        one.first = position_of(search, slot->place);
        r = has_id(search, one.first, id);
        if (r == 1) {
            one.again = position_of(search, place);
            search->found(search->owner, &one);
            return 0;
        }
        if (r == -ENOENT) { /* it was shipped and removed */
            slot->place = place;
            return 0;
        }
        if (r < 0)
            return r;
    }
    if (search->used == search->mask)
        return -ENOBUFS; /* more entries than were counted */
    *slot = (struct slot){hash, place};
    search->used++;
    return 0;
}

static int
search_segment(struct search *search, size_t at)
{
    const struct walk_segment *segment = &search->walk->segments[at];
    struct walk_lines lines;
    struct line_item item;
    int r;

    if (segment->state == WALK_VOID)
        return 0;
    r = walk_lines_open(&lines, search->walk->dirfd, segment, 0, segment->end);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    while ((r = line_reader_next(&lines.reader, &item)) > 0) {
        const char *id =
            item.bytes ? line_event_id(item.bytes, item.len) : NULL;
        uint64_t hash = id ? hash_id(search, id) : 0;

        progress_add(search->progress, item.len);
        if (!id || (hash >> 32) % search->passes != search->pass)
            continue;
        r = look_up(search, hash, search->bases[at] + item.offset + 1, id);
        if (r < 0)
            break;
    }
    walk_lines_close(&lines);
    return r;
}

static int
prepare(struct search *search, uint64_t entries, size_t table_bytes)
{
    const struct walk *walk = search->walk;
    uint64_t most = table_bytes / sizeof(struct slot);
    uint64_t slots = SLOTS_MIN, base = 0;

    search->passes = duplicates_passes(entries, table_bytes);
    while (slots < most && ids_in(slots) < entries)
        slots *= 2;
    search->mask = slots - 1;
    search->slots = calloc(slots, sizeof(*search->slots));
    search->bases = calloc(walk->count + 1, sizeof(*search->bases));
    if (!search->slots || !search->bases)
        return -ENOMEM;
    for (size_t i = 0; i < walk->count; i++) {
        search->bases[i] = base;
        base += walk->segments[i].end;
    }
    return getrandom(&search->key, sizeof(search->key), 0) < 0 ? -errno : 0;
}

int
duplicates_find(const struct walk *walk, uint64_t entries, size_t table_bytes,
                struct progress *progress,
                void (*found)(void *owner, const struct duplicate *one),
                void *owner)
{
    struct search search = {
        .walk = walk,
        .progress = progress,
        .found = found,
        .owner = owner,
    };
    int r = prepare(&search, entries, table_bytes);

    for (; !r && search.pass < search.passes; search.pass++) {
        memset(search.slots, 0, (search.mask + 1) * sizeof(*search.slots));
        search.used = 0;
        for (size_t i = 0; !r && i < walk->count; i++)
            r = search_segment(&search, i);
    }
    free(search.slots);
    free(search.bases);
    return r;
}
