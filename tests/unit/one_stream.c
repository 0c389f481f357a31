#include "tests/unit/one_stream.h"

#include "common/buf.h"
#include "common/checkpoint.h"
#include "common/fileio.h"
#include "common/line.h"
#include "shipper/dead_letter.h"
#include "tests/check.h"
#include "tests/unit/fake_aws.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
on_settled(void *owner, struct stream *stream, uint64_t delivered,
           uint64_t dead)
{
    struct one_stream *world = owner;

    CHECK(stream == world->stream);
    world->settled++;
    world->delivered += delivered;
    world->dead += dead;
    if (!world->closes)
        return;
    stream_close(stream);
    world->stream = NULL;
}

static void
on_sending(void *owner, struct stream *stream)
{
    struct one_stream *world = owner;
    struct checkpoint_inflight inflight;

    CHECK(stream == world->stream);
    CHECK(stream_in_flight(stream, &inflight));
    CHECK(!fake_aws.call); /* it is not out yet */
    world->sending++;
}

static void
make_segment(struct one_stream *world, int64_t ts)
{
    struct spool_control control = {.ts = ts};
    char name[SPOOL_NAME_SIZE];
    struct buf text;
    int fd;

    buf_init(&text, 1 << 20);
    CHECK(!spool_control_write(&text, &control));
    for (int i = 0; i < ENTRIES_MAX; i++) {
        char *line = world->lines[i];
        int len =
            snprintf(line, sizeof(world->lines[i]),
                     LINE_PREFIX "\"eventId\":\"%036d\",\"n\":%d}\n", i, i);

        line_seal(line, (size_t)len, ts + i);
        world->at[i] = (struct spool_position){1, text.len};
        world->lens[i] = (size_t)len - 1;
        CHECK(!buf_append(&text, line, (size_t)len));
    }
    world->at[ENTRIES_MAX] = (struct spool_position){1, text.len};
    fd = fileio_open(world->dirfd, spool_name(1, name), O_WRONLY | O_CREAT);
    CHECK(fd >= 0 && !fileio_write_all(fd, text.data, text.len));
    (void)close(fd);
    buf_deinit(&text);
}

void
one_stream_begin(struct one_stream *world)
{
    one_stream_begin_at(world, 1000);
}

void
one_stream_begin_at(struct one_stream *world, int64_t ts)
{
    *world = (struct one_stream){.dir = "/tmp/clickspool-stream-XXXXXX"};
    fake_aws = (struct fake_aws){0};
    CHECK(mkdtemp(world->dir));
    world->dirfd = fileio_open_dir(world->dir);
    CHECK(world->dirfd >= 0);
    CHECK(!settings_load(&world->settings, "/dev/null", true));
    CHECK(!uv_loop_init(&world->loop));
    make_segment(world, ts);
    world->shared = (struct stream_world){
        .loop = &world->loop,
        .settings = &world->settings,
        .dirfd = world->dirfd,
        .owner = world,
        .sending = on_sending,
        .settled = on_settled,
        .figures = &world->figures,
    };
    CHECK(!dead_letter_open(&world->shared.dead, world->dirfd, 1 << 20,
                            (struct spool_position){0}));
    world->past.position = world->at[0];
    CHECK(!stream_new(&world->stream, &world->shared, "g", "s", &world->past));
}

void
one_stream_end(struct one_stream *world)
{
    char command[128];

    stream_close(world->stream);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK(!uv_loop_close(&world->loop));
    dead_letter_close(world->shared.dead);
    settings_free(&world->settings);
    (void)close(world->dirfd);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->dir);
    CHECK(system(command) == 0);
}

void
one_stream_offer(struct one_stream *world, int from, int to)
{
    for (int i = from; i < to; i++)
        CHECK(!stream_offer(world->stream,
                            (struct slice){world->lines[i], world->lens[i]},
                            1000 + i, world->at[i], world->at[i + 1]));
}

bool
one_stream_sends(const char *text)
{
    CHECK(fake_aws.call);
    return memmem(fake_aws.call->body.data, fake_aws.call->body.len, text,
                  strlen(text)) != NULL;
}

void
one_stream_run_until_call(struct one_stream *world)
{
    for (int i = 0; i < 1000 && !fake_aws.call; i++)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    CHECK(fake_aws.call);
}

void
one_stream_reopen(struct one_stream *world, struct stream_past past)
{
    stream_close(world->stream);
    CHECK(!stream_new(&world->stream, &world->shared, "g", "s", &past));
}
