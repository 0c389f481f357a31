#include "shipper/ctl/fate.h"

#include "shipper/ctl/ctl.h"

int
fates_read(struct fates *fates, const struct ctl *ctl)
{
    int code, r;

    *fates = (struct fates){.dirfd = ctl->dirfd};
    code = shipped_read(&fates->shipped, ctl);
    if (code)
        return code;
    /* After the checkpoint: a letter is on disk before it is passed. */
    r = letter_rows_read(&fates->letters, ctl->dirfd);
    return r ? ctl_fail(ctl, "the dead letters cannot be read", r) : CTL_OK;
}

void
fates_deinit(struct fates *fates)
{
    letter_rows_deinit(&fates->letters);
    shipped_deinit(&fates->shipped);
}

enum fate_kind
fates_of(const struct fates *fates, struct spool_position position,
         struct letter_why *why)
{
    size_t count;
    const struct letter_row *rows =
        letter_rows_at(&fates->letters, position, &count);
    unsigned kinds = letter_rows_kinds(rows, count);

    *why = (struct letter_why){0};
    for (size_t i = 0; i < count; i++)
        if (rows[i].kind == LETTER_ENTRY)
            (void)letter_why_read(why, fates->dirfd, &rows[i]);
    if (kinds & 1u << LETTER_ENTRY) {
        if (kinds & 1u << LETTER_RETRIED)
            return FATE_RETRIED;
        return kinds & 1u << LETTER_DROPPED ? FATE_DROPPED : FATE_DEAD;
    }
    if (fates->shipped.state == SHIPPED_BROKEN)
        return FATE_UNKNOWN;
    return spool_position_compare(position,
                                  fates->shipped.checkpoint.position) < 0
               ? FATE_DELIVERED
               : FATE_PENDING;
}

const char *
fate_name(enum fate_kind kind)
{
    static const char *const names[] = {
        [FATE_PENDING] = "pending", [FATE_DELIVERED] = "delivered",
        [FATE_DEAD] = "dead",       [FATE_DROPPED] = "dropped",
        [FATE_RETRIED] = "retried", [FATE_UNKNOWN] = "unknown",
    };

    return names[kind];
}
