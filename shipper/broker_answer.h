#pragma once

#include "common/slice.h"
#include "shipper/broker.h"
#include "shipper/jwks_fetch.h"
#include "shipper/object.h"

#include <stdbool.h>

struct buf;

/*
 * One ask and its answer.  Some are answered at once, some when the world
 * outside has answered.
 */
struct broker_ask {
    const struct broker_sources *sources;
    struct buf *out; /* the answer goes here, whole */
    void (*done)(struct broker_ask *ask);

    enum { BROKER_IDLE, BROKER_KEYS, BROKER_HEAD } under_way;
    uint64_t id; /* the rest is private to broker_answer.c */
    struct jwks_wait wait;
    struct object_head head;
    char bucket[64];
    char key[OBJECT_KEY_MAX + 1];
};

/**
 * broker_answer(): @line, without its LF.
 *
 * Return: 0 with the answer in ask->out; 1 where done() will come once it is
 * there; or -EINVAL where the line is no ask at all.
 */
int broker_answer(struct broker_ask *ask, struct slice line);

/** broker_answer_cancel(): done() will not come any more. */
void broker_answer_cancel(struct broker_ask *ask);
