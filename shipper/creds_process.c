#include "shipper/creds_process.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/timefmt.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096, WHY_MAX = 256 };

/* One of the program's two outputs. */
struct output {
    struct creds_process *process;
    uv_pipe_t pipe;
    struct buf text;
    char chunk[CHUNK];
};

struct creds_process {
    uv_process_t child;
    uv_timer_t limit;
    struct output out, err;
    void (*done)(void *owner, const struct creds_printed *printed);
    void *owner;
    char *words; /* the command line, cut into args */
    char *args[CREDS_PROCESS_ARGS_MAX + 1];
    unsigned open; /* handles that are not closed yet */
    bool exited, late, cancelled, told;
    unsigned ended; /* outputs that came to their end */
    int64_t code;
    int signal;
};

/* Return: whether @process->words could be cut: quotes are closed, and there
 * is a first word.  As a POSIX shell reads words, without expansions. */
static bool
cut_words(struct creds_process *process)
{
    char *from = process->words, *to = process->words;
    size_t count = 0;

    while (*from) {
        char quote = 0;

        from += strspn(from, " \t\n");
        if (!*from)
            break;
        if (count == CREDS_PROCESS_ARGS_MAX)
            return false;
        process->args[count++] = to;
        for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
            if (quote ? *from == quote : *from == '"' || *from == '\'')
                quote = quote ? 0 : *from;
            else if (*from == '\\' && quote != '\'' && from[1])
                *to++ = *++from;
            else
                *to++ = *from;
        }
        if (quote)
            return false;
        from += *from != '\0';
        *to++ = '\0';
    }
    return count;
}

static void
process_free(struct creds_process *process)
{
    struct buf *texts[] = {&process->out.text, &process->err.text};

    for (size_t i = 0; i < 2; i++) {
        if (texts[i]->data)
            explicit_bzero(texts[i]->data, texts[i]->cap);
        buf_deinit(texts[i]);
    }
    explicit_bzero(process->out.chunk, sizeof(process->out.chunk));
    free(process->words);
    free(process);
}

static void
on_closed(uv_handle_t *handle)
{
    struct creds_process *process = handle->data;

    if (!--process->open)
        process_free(process);
}

static void
close_all(struct creds_process *process)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&process->child,
                              (uv_handle_t *)&process->limit,
                              (uv_handle_t *)&process->out.pipe,
                              (uv_handle_t *)&process->err.pipe};

    for (size_t i = 0; i < 4; i++) {
        handles[i]->data = process;
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], on_closed);
    }
}

/* What the program says it has; @answer lives on in the printed texts. */
static const char *
read_answer(struct creds_printed *printed, const cJSON *answer)
{
    const char *ends = json_get_string(answer, "Expiration");
    uint64_t version;

    if (!cJSON_IsObject(answer))
        return "its output is no JSON object";
    if (!json_get_uint(answer, "Version", &version) || version != 1)
        return "its output is not of Version 1";
    printed->access_key = json_get_string(answer, "AccessKeyId");
    printed->secret = json_get_string(answer, "SecretAccessKey");
    printed->token = json_get_string(answer, "SessionToken");
    if (!printed->access_key || !printed->secret)
        return "its output has no AccessKeyId and SecretAccessKey";
    if (ends && !timefmt_parse(ends, strlen(ends), &printed->expires_ms))
        return "its Expiration is no time";
    return NULL;
}

static const char *
judge_exit(struct creds_process *process, char why[WHY_MAX])
{
    struct buf *err = &process->err.text;
    size_t line;

    if (process->late)
        return "it did not end in 30 s";
    if (process->out.text.failed)
        return "it prints too much";
    if (!process->code && !process->signal)
        return NULL;
    (void)buf_putc(err, '\0');
    line = err->data ? strcspn(err->data, "\r\n") : 0;
    (void)snprintf(why, WHY_MAX, "it ended with %d: %.*s",
                   process->signal ? process->signal : (int)process->code,
                   line > 200 ? 200 : (int)line, line ? err->data : "");
    return why;
}

/* Once it has ended and both outputs too. */
static void
tell_when_over(struct creds_process *process)
{
    struct creds_printed printed = {.error = NULL};
    char why[WHY_MAX];
    cJSON *answer = NULL;

    if (process->told || !process->exited || process->ended < 2)
        return;
    process->told = true;
    printed.error = judge_exit(process, why);
    if (!printed.error) {
        answer = json_parse(process->out.text.data, process->out.text.len);
        printed.error = read_answer(&printed, answer);
    }
    if (!process->cancelled)
        process->done(process->owner, &printed);
    json_wipe(answer);
    cJSON_Delete(answer);
    close_all(process);
}

static void
on_exit_of(uv_process_t *child, int64_t code, int term_signal)
{
    struct creds_process *process = child->data;

    process->exited = true;
    process->code = code;
    process->signal = term_signal;
    tell_when_over(process);
}

static void
on_limit(uv_timer_t *timer)
{
    struct creds_process *process = timer->data;

    process->late = true;
    (void)uv_process_kill(&process->child, SIGKILL);
    /* A grandchild may hold the outputs open: they are not waited for. */
    process->ended = 2;
    process->exited = true;
    tell_when_over(process);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct output *output = handle->data;

    (void)suggested;
    *out = uv_buf_init(output->chunk, sizeof(output->chunk));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct output *output = stream->data;

    if (n > 0) {
        (void)buf_append(&output->text, buf->base, (size_t)n);
        return;
    }
    if (n == 0)
        return;
    (void)uv_read_stop(stream);
    output->process->ended++;
    tell_when_over(output->process);
}

static void
open_output(struct creds_process *process, struct output *output,
            uv_loop_t *loop)
{
    output->process = process;
    buf_init(&output->text, CREDS_PROCESS_OUTPUT_MAX);
    (void)buf_reserve(&output->text, CREDS_PROCESS_OUTPUT_MAX);
    (void)uv_pipe_init(loop, &output->pipe, 0);
    output->pipe.data = output;
    process->open++;
}

static int
spawn(struct creds_process *process, uv_loop_t *loop)
{
    uv_stdio_container_t outputs[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->out.pipe},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->err.pipe},
    };
    const uv_process_options_t options = {
        .file = process->args[0],
        .args = process->args,
        .exit_cb = on_exit_of,
        .stdio = outputs,
        .stdio_count = 3,
    };
    int r = uv_spawn(loop, &process->child, &options);

    process->child.data = process;
    if (r)
        return r;
    (void)uv_read_start((uv_stream_t *)&process->out.pipe, on_alloc, on_read);
    (void)uv_read_start((uv_stream_t *)&process->err.pipe, on_alloc, on_read);
    return uv_timer_start(&process->limit, on_limit, CREDS_PROCESS_TIMEOUT_MS,
                          0);
}

int
creds_process_start(
    struct creds_process **started, uv_loop_t *loop, const char *command,
    void (*done)(void *owner, const struct creds_printed *printed), void *owner)
{
    struct creds_process *process = calloc(1, sizeof(*process));
    int r;

    if (!process)
        return -ENOMEM;
    process->done = done;
    process->owner = owner;
    process->words = malloc(strlen(command) + 2);
    if (process->words)
        memcpy(process->words, command, strlen(command) + 1);
    if (!process->words || !cut_words(process)) {
        free(process->words);
        free(process);
        return -EINVAL;
    }
    open_output(process, &process->out, loop);
    open_output(process, &process->err, loop);
    (void)uv_timer_init(loop, &process->limit);
    process->limit.data = process;
    process->open += 2; /* with the child's own */
    r = spawn(process, loop);
    if (r) {
        process->cancelled = process->told = true;
        close_all(process);
        return r;
    }
    *started = process;
    return 0;
}

void
creds_process_cancel(struct creds_process *process)
{
    process->cancelled = process->told = true;
    (void)uv_process_kill(&process->child, SIGKILL);
    close_all(process);
}
