/*
 * shipper's AWS client by itself, for outside suites.  Each line of stdin is
 * a call, `OPERATION HOW BODY`; each line of stdout is what the client made of
 * the answer, or `null` for a call that was cancelled.  HOW is `plain`, `gzip`,
 * `cancel` (after a few turns of the loop) or `drop` (before the first).  The
 * settings come from the environment.
 */
#include "common/buf.h"
#include "common/gzip.h"
#include "common/settings.h"
#include "shipper/aws.h"
#include "shipper/cloud.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 16 * 1024 * 1024 };

struct probe {
    uv_loop_t *loop;
    struct cloud cloud;
    struct aws_call call;
    cJSON *answer; /* of the last call that was done */
};

static void
on_done(struct aws_call *call, const struct aws_answer *answer)
{
    static const char *const outcomes[] = {"ok", "refused", "unsent",
                                           "unknown"};
    static const char *const advices[] = {"retry", "slow_down", "credentials",
                                          "clock", "encoding",  "judge"};
    struct probe *probe = call->owner;
    cJSON *row = probe->answer = cJSON_CreateObject();
    int64_t age_ms, offset_ms;

    cJSON_AddStringToObject(row, "outcome", outcomes[answer->outcome]);
    cJSON_AddStringToObject(row, "advice", advices[answer->advice]);
    cJSON_AddNumberToObject(row, "status", answer->status);
    cJSON_AddStringToObject(row, "code", answer->code);
    cJSON_AddStringToObject(row, "message", answer->message);
    cJSON_AddStringToObject(row, "requestId", answer->request_id);
    cJSON_AddItemToObject(row, "body", cJSON_Duplicate(answer->body, true));
    cJSON_AddNumberToObject(row, "hint", (double)answer->hint_ms);
    cJSON_AddNumberToObject(row, "retryAfter", (double)answer->retry_after_ms);
    offset_ms = aws_clock_offset_ms(probe->cloud.aws, &age_ms);
    cJSON_AddNumberToObject(row, "offset", (double)offset_ms);
    uv_stop(probe->loop);
}

static int
turns_before_cancel(const char *how)
{
    if (how && !strcmp(how, "drop"))
        return 0;
    return how && !strcmp(how, "cancel") ? 2 : INT_MAX;
}

/* What @line asks for, once the loop has answered it. */
static void
perform(struct probe *probe, char *line, struct gzip *gzip)
{
    char *rest = line, target[128];
    const char *operation = strsep(&rest, " "), *how = strsep(&rest, " ");
    struct slice body = {rest, strcspn(rest ? rest : "", "\n")};
    struct buf packed;
    int turns;

    buf_init(&packed, BODY_MAX);
    (void)snprintf(target, sizeof(target), "Logs_20140328.%s", operation);
    probe->answer = NULL;
    probe->call = (struct aws_call){
        .service = "logs",
        .target = target,
        .body = body,
        .gzipped = how && !strcmp(how, "gzip"),
        .done = on_done,
        .owner = probe,
    };
    if (probe->call.gzipped &&
        gzip_deflate(gzip, body.data, body.len, &packed) == 0)
        probe->call.body = (struct slice){packed.data, packed.len};
    if (aws_call_start(probe->cloud.aws, &probe->call) < 0)
        abort();
    for (turns = turns_before_cancel(how); turns && !probe->answer; turns--)
        (void)uv_run(probe->loop, UV_RUN_ONCE);
    if (!probe->answer)
        aws_call_cancel(&probe->call);
    buf_deinit(&packed);
}

static void
print(struct probe *probe)
{
    char *text = probe->answer ? cJSON_PrintUnformatted(probe->answer) : NULL;

    puts(text ? text : "null");
    (void)fflush(stdout);
    free(text);
    cJSON_Delete(probe->answer);
}

int
main(void)
{
    struct settings settings;
    struct probe probe = {.loop = uv_default_loop()};
    struct gzip *gzip = NULL;
    char *line = NULL;
    size_t size = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)settings_load(&settings, "/dev/null", true);
    aws_check(&settings);
    if (settings.errors) {
        settings_free(&settings);
        return 78;
    }
    if (cloud_open(&probe.cloud, probe.loop, &settings) < 0 ||
        gzip_new(&gzip, 6) < 0)
        abort();
    while (getline(&line, &size, stdin) > 0) {
        perform(&probe, line, gzip);
        print(&probe);
    }
    free(line);
    gzip_free(gzip);
    cloud_close(&probe.cloud);
    (void)uv_run(probe.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(probe.loop);
    settings_free(&settings);
    return 0;
}
