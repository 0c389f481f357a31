#include "ingest/app.h"

#include "common/clock.h"

enum {
    ANSWER_MAX = 1024 * 1024,
    KEEP = 128 * 1024, /* of a scratch buffer between requests */
};

static void
each_buf(struct app *app, void (*act)(struct buf *, size_t), size_t arg)
{
    struct buf *bufs[] = {&app->inflated, &app->lines,  &app->server,
                          &app->ids,      &app->errors, &app->answer};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
        act(bufs[i], arg);
}

void
app_init(struct app *app, size_t max_body)
{
    *app = (struct app){.max_body = max_body};
    each_buf(app, buf_init, ANSWER_MAX);
    app->inflated.limit = APP_INFLATE_TIMES * max_body;
    /* One line past a commit's worth is enough to know that it is too much. */
    app->lines.limit = COMMIT_MAX;
}

void
app_window_begin(struct app *app, int64_t now_s)
{
    app->window_s = now_s;
    app->window_us = clock_mono_us();
}

int64_t
app_window_s(const struct app *app)
{
    return app->window_s + (clock_mono_us() - app->window_us) / 1000000;
}

void
app_trim(struct app *app)
{
    each_buf(app, buf_shrink, KEEP);
}

static void
release(struct buf *buf, size_t unused)
{
    (void)unused;
    buf_deinit(buf);
}

void
app_deinit(struct app *app)
{
    each_buf(app, release, 0);
}
