#include "shipper/ctl/query.h"

#include "common/buf.h"
#include "common/json.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/print.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BODY_MAX = 128 * 1024,
    ROWS_A_PAGE = 1000,
    PAUSE_MS = 250, /* before the second look; then twice as long each time */
    PAUSE_MAX_MS = 2000,
};

static int
start(struct aws_sync *sync, const struct query_wish *wish, char **id)
{
    const struct cJSON *answer;
    const char *given;
    struct buf body;
    int code;

    buf_init(&body, BODY_MAX);
    (void)buf_puts(&body, "{\"logGroupName\":");
    json_string(&body, wish->group);
    (void)buf_puts(&body, ",\"queryString\":");
    json_string(&body, wish->text);
    (void)buf_printf(&body,
                     ",\"startTime\":%" PRId64 ",\"endTime\":%" PRId64
                     ",\"limit\":%u}",
                     wish->since_s, wish->until_s, wish->limit);
    code = aws_sync_ask(sync, "StartQuery", &body, &answer);
    buf_deinit(&body);
    if (code)
        return code;
    given = json_get_string(answer, "queryId");
    *id = given ? strdup(given) : NULL;
    if (*id)
        return CTL_OK;
    fputs("clickspoolctl: CloudWatch started a query without an id\n", stderr);
    return CTL_UNREACHABLE;
}

static int
ask_about(struct aws_sync *sync, const char *operation, const char *id,
          const char *token, const struct cJSON **answer)
{
    struct buf body;
    int code;

    buf_init(&body, BODY_MAX);
    (void)buf_puts(&body, "{\"queryId\":");
    json_string(&body, id);
    if (!strcmp(operation, "GetQueryResults"))
        (void)buf_printf(&body, ",\"maxItems\":%d", ROWS_A_PAGE);
    if (token) {
        (void)buf_puts(&body, ",\"nextToken\":");
        json_string(&body, token);
    }
    (void)buf_putc(&body, '}');
    code = aws_sync_ask(sync, operation, &body, answer);
    buf_deinit(&body);
    if (code == AWS_SYNC_MISSING) {
        fputs("clickspoolctl: CloudWatch has forgotten the query\n", stderr);
        code = CTL_UNREACHABLE;
    }
    return code;
}

/* [{"field":…,"value":…},…] to an object, without the record's own pointer. */
static cJSON *
row_of(const cJSON *fields)
{
    cJSON *row = cJSON_CreateObject();
    const cJSON *field;

    cJSON_ArrayForEach(field, fields)
    {
        const char *name = json_get_string(field, "field");
        const char *value = json_get_string(field, "value");

        if (name && value && strcmp(name, "@ptr") != 0)
            (void)cJSON_AddStringToObject(row, name, value);
    }
    return row;
}

static void
take_page(struct query_result *result, const cJSON *answer)
{
    const cJSON *statistics =
        cJSON_GetObjectItemCaseSensitive(answer, "statistics");
    const cJSON *fields;

    cJSON_ArrayForEach(fields,
                       cJSON_GetObjectItemCaseSensitive(answer, "results"))(
        void) cJSON_AddItemToArray(result->rows, row_of(fields));
    (void)json_get_uint(statistics, "recordsMatched", &result->records_matched);
    (void)json_get_uint(statistics, "bytesScanned", &result->bytes_scanned);
}

/* The rest of the pages, after the one in @answer. */
static int
take_pages(struct aws_sync *sync, const char *id, struct query_result *result,
           const struct cJSON *answer)
{
    char *token = NULL;
    int code = CTL_OK;

    for (take_page(result, answer);; take_page(result, answer)) {
        const char *next = json_get_string(answer, "nextToken");

        if (!next || !*next || (token && !strcmp(next, token)))
            break;
        free(token);
        token = strdup(next);
        code = ask_about(sync, "GetQueryResults", id, token, &answer);
        if (code)
            break;
    }
    free(token);
    return code;
}

static bool
is_under_way(const char *status)
{
    return !strcmp(status, "Scheduled") || !strcmp(status, "Running") ||
           !strcmp(status, "Unknown");
}

static void
show_state(const struct cJSON *answer, const char *status)
{
    const cJSON *statistics =
        cJSON_GetObjectItemCaseSensitive(answer, "statistics");
    uint64_t scanned = 0;
    char bytes[PRINT_SIZE];

    if (!isatty(STDERR_FILENO))
        return;
    (void)json_get_uint(statistics, "bytesScanned", &scanned);
    fprintf(stderr, "\r%s, %s scanned; Ctrl-C stops it\033[K",
            !strcmp(status, "Scheduled") ? "waiting for its turn" : "running",
            print_bytes(scanned, bytes));
}

static void
wipe_state(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int
stop(struct aws_sync *sync, const char *id)
{
    const struct cJSON *answer;

    wipe_state();
    (void)ask_about(sync, "StopQuery", id, NULL, &answer);
    fputs("clickspoolctl: the query is stopped\n", stderr);
    return CTL_UNREACHABLE;
}

static int
wait_for(struct aws_sync *sync, const char *id, struct query_result *result)
{
    int64_t pause_ms = PAUSE_MS;

    for (;;) {
        const struct cJSON *answer;
        const char *status;
        int code = ask_about(sync, "GetQueryResults", id, NULL, &answer);

        if (code)
            return aws_sync_interrupted(sync) ? stop(sync, id) : code;
        status = json_get_string(answer, "status");
        if (status && !strcmp(status, "Complete")) {
            wipe_state();
            return take_pages(sync, id, result, answer);
        }
        if (!status || !is_under_way(status)) {
            wipe_state();
            fprintf(stderr, "clickspoolctl: the query has ended as ");
            print_printable(stderr, status ? status : "nothing");
            fputc('\n', stderr);
            return CTL_UNREACHABLE;
        }
        show_state(answer, status);
        if (!aws_sync_wait(sync, pause_ms))
            return stop(sync, id);
        pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
    }
}

int
query_run(struct aws_sync *sync, const struct query_wish *wish,
          struct query_result *result)
{
    char *id = NULL;
    int code;

    *result = (struct query_result){.rows = cJSON_CreateArray()};
    aws_sync_catch(sync);
    code = start(sync, wish, &id);
    if (!code)
        code = wait_for(sync, id, result);
    free(id);
    return code;
}

void
query_result_deinit(struct query_result *result)
{
    cJSON_Delete(result->rows);
    result->rows = NULL;
}
