#include "shipper/ctl/fate.h"

#include "shipper/ctl/ctl.h"
#include "shipper/ctl/letter_reader.h"

int
fates_read(struct fates *fates, const struct ctl *ctl)
{
    int code, r;

    *fates = (struct fates){.dirfd = ctl->dirfd};
    code = shipped_read(&fates->shipped, ctl);
    if (code)
        return code;
    ahead_init(&fates->ahead, &ctl->settings, &fates->shipped.checkpoint);
    /* After the checkpoint: a letter is on disk before it is passed. */
    r = letter_index_read(&fates->letters, ctl->dirfd, NULL, NULL);
    return r ? ctl_fail(ctl, "the dead letters cannot be read", r) : CTL_OK;
}

void
fates_deinit(struct fates *fates)
{
    letter_index_deinit(&fates->letters);
    shipped_deinit(&fates->shipped);
}

enum fate_kind
fates_of(struct fates *fates, struct slice line, struct spool_position position,
         struct letter_why *why)
{
    static const enum fate_kind of[] = {
        [LETTER_DEAD] = FATE_DEAD,
        [LETTER_DROPPED] = FATE_DROPPED,
        [LETTER_RETRIED] = FATE_RETRIED,
    };
    const struct letter *letter = letter_index_at(&fates->letters, position);

    *why = (struct letter_why){0};
    if (letter && letter->kind == LETTER_LINE_ENTRY) {
        (void)letter_why_read(why, fates->dirfd, letter);
        return of[letter->state];
    }
    if (fates->shipped.state == SHIPPED_BROKEN)
        return FATE_UNKNOWN;
    return ahead_settled(&fates->ahead, line, position) ? FATE_DELIVERED
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
