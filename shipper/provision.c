#include "shipper/provision.h"

#include "common/log.h"
#include "shipper/cwlogs.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 8192 };

static void on_answer(struct aws_call *call, const struct aws_answer *answer);

void
provision_init(struct provision *provision)
{
    buf_init(&provision->body, BODY_MAX);
    provision->step = PROVISION_IDLE;
}

void
provision_deinit(struct provision *provision)
{
    buf_deinit(&provision->body);
}

static const char *
step_target(enum provision_step step)
{
    switch (step) {
    case PROVISION_STREAM:
    case PROVISION_STREAM_AGAIN:
        return CWLOGS_CREATE_STREAM;
    case PROVISION_GROUP:
        return CWLOGS_CREATE_GROUP;
    case PROVISION_RETENTION:
    case PROVISION_ALONE:
        return CWLOGS_RETENTION;
    case PROVISION_IDLE:
        break;
    }
    abort();
}

static int
ask(struct provision *provision, enum provision_step step)
{
    struct buf *body = &provision->body;
    int r;

    if (step == PROVISION_RETENTION || step == PROVISION_ALONE)
        r = cwlogs_retention(body, provision->group, provision->retention_days);
    else
        r = cwlogs_names(body, provision->group,
                         step == PROVISION_GROUP ? NULL : provision->stream);
    if (r)
        return r;

    provision->call = (struct aws_call){
        .service = CWLOGS_SERVICE,
        .limited = true,
        .target = step_target(step),
        .body = {body->data, body->len},
        .done = on_answer,
        .owner = provision,
    };
    provision->step = step;
    r = aws_call_start(provision->aws, &provision->call);
    if (r)
        provision->step = PROVISION_IDLE;
    return r;
}

int
provision_start(struct provision *provision)
{
    return ask(provision, PROVISION_STREAM);
}

void
provision_retain(struct provision *provision)
{
    if (provision->retention_days && !provision_busy(provision))
        (void)ask(provision, PROVISION_ALONE);
}

void
provision_cancel(struct provision *provision)
{
    if (!provision_busy(provision))
        return;
    aws_call_cancel(&provision->call);
    provision->step = PROVISION_IDLE;
}

/* The next step after an answer; PROVISION_IDLE where it was the last. */
static enum provision_step
next_step(const struct provision *provision, const struct aws_answer *answer)
{
    bool made = cwlogs_made(answer);

    switch (provision->step) {
    case PROVISION_STREAM:
        return strcmp(answer->code, "ResourceNotFoundException")
                   ? PROVISION_IDLE
                   : PROVISION_GROUP;
    case PROVISION_GROUP:
        if (!made)
            return PROVISION_IDLE;
        return provision->retention_days ? PROVISION_RETENTION
                                         : PROVISION_STREAM_AGAIN;
    case PROVISION_RETENTION: /* entries do not wait for it */
        return PROVISION_STREAM_AGAIN;
    case PROVISION_STREAM_AGAIN:
    case PROVISION_ALONE:
        return PROVISION_IDLE;
    case PROVISION_IDLE:
        break;
    }
    abort();
}

static void
tell(const struct provision *provision, const struct aws_answer *answer)
{
    bool retention = provision->step == PROVISION_RETENTION ||
                     provision->step == PROVISION_ALONE;

    if (answer->outcome != AWS_OK && retention)
        log_warning("retention_not_set", log_text("group", provision->group),
                    log_text("code", answer->code),
                    log_text("message", answer->message), );
    else if (answer->outcome == AWS_OK && provision->step == PROVISION_GROUP)
        log_notice("log_group_made", log_text("group", provision->group), );
    else if (answer->outcome == AWS_OK && !retention)
        log_notice("log_stream_made", log_text("stream", provision->stream), );
}

static void
on_answer(struct aws_call *call, const struct aws_answer *answer)
{
    struct provision *provision = call->owner;
    enum provision_step next = next_step(provision, answer);
    bool alone = provision->step == PROVISION_ALONE;

    tell(provision, answer);
    /* Without memory for the next call this answer has to do: the batch is
     * tried again and will find that something is missing. */
    if (next != PROVISION_IDLE && ask(provision, next) == 0)
        return;
    provision->step = PROVISION_IDLE;
    if (!alone)
        provision->done(provision, answer);
}
