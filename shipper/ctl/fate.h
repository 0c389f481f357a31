#pragma once

#include "common/spool.h"
#include "shipper/ctl/ahead.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/shipped.h"

struct ctl;

/*
 * What became of an entry, as the checkpoint and the dead letters tell it.
 */
enum fate_kind {
    FATE_PENDING,   /* behind the checkpoint's position */
    FATE_DELIVERED, /* done with, and no letter speaks of it */
    FATE_DEAD,
    FATE_DROPPED, /* was dead, and an operator dropped it */
    FATE_RETRIED, /* was dead, and is sent again */
    FATE_UNKNOWN, /* the checkpoint is broken */
};

struct fates {
    int dirfd;
    struct shipped shipped;
    struct letter_index letters;
    struct ahead ahead;
};

/**
 * fates_read(): to be called before the spool is walked; fates_deinit() is due
 * in any case.
 *
 * Return: 0, or an exit code, told.
 */
int fates_read(struct fates *fates, const struct ctl *ctl);
void fates_deinit(struct fates *fates);

/** fates_of(): of the entry @line at @position; *@why is "" unless it was
 * dead. */
enum fate_kind fates_of(struct fates *fates, struct slice line,
                        struct spool_position position, struct letter_why *why);

/** fate_name(): "pending", and so on. */
const char *fate_name(enum fate_kind kind);
