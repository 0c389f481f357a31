#include "shipper/ctl/shipped.h"

#include "shipper/ctl/ctl.h"
#include "shipper/ctl/walk.h"

#include <errno.h>
#include <stdio.h>

int
shipped_read(struct shipped *shipped, const struct ctl *ctl)
{
    int r;

    *shipped = (struct shipped){.state = SHIPPED_NONE};
    r = checkpoint_read(&shipped->checkpoint, ctl->dirfd);
    switch (r) {
    case 0:
        shipped->state = SHIPPED_KNOWN;
        return 0;
    case -ENOENT:
        return 0;
    case CHECKPOINT_BROKEN:
        shipped->state = SHIPPED_BROKEN;
        return 0;
    case CHECKPOINT_UNKNOWN:
        return ctl_fail(ctl, SPOOL_CHECKPOINT, SPOOL_UNKNOWN);
    default:
        return ctl_fail(ctl, SPOOL_CHECKPOINT, r);
    }
}

void
shipped_warn(const struct shipped *shipped)
{
    if (shipped->state == SHIPPED_BROKEN)
        fputs("clickspoolctl: " SPOOL_CHECKPOINT
              " is broken: what was shipped is not known\n",
              stderr);
}

void
shipped_deinit(struct shipped *shipped)
{
    if (shipped->state == SHIPPED_KNOWN)
        checkpoint_deinit(&shipped->checkpoint);
    shipped->state = SHIPPED_NONE;
}

bool
shipped_wholly(const struct shipped *shipped,
               const struct walk_segment *segment)
{
    struct spool_position end = {segment->number, segment->end};

    return spool_position_compare(end, shipped->checkpoint.position) <= 0;
}

const char *
shipped_state(const struct shipped *shipped)
{
    static const char *const words[] = {
        [SHIPPED_NONE] = "none",
        [SHIPPED_KNOWN] = "good",
        [SHIPPED_BROKEN] = "broken",
    };

    return words[shipped->state];
}
