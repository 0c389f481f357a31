#include "shipper/ctl/cwread.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/line.h"
#include "common/timefmt.h"
#include "shipper/ctl/aws_sync.h"
#include "shipper/ctl/ctl.h"
#include "shipper/ctl/jsonscan.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024 };

/* A row of pages, each asked with the members of `about`. */
struct pages {
    struct aws_sync *sync;
    const char *operation;
    const char *rows; /* the member that holds them */
    struct buf about; /* members without braces */
    int (*see)(void *owner, const struct cJSON *row);
    void *owner;
};

static void
add_text(struct buf *about, const char *name, const char *text)
{
    if (about->len)
        (void)buf_putc(about, ',');
    (void)buf_printf(about, "\"%s\":", name);
    json_string(about, text);
}

static int
ask_page(struct pages *pages, const char *token, const struct cJSON **answer)
{
    struct buf body;
    int code;

    buf_init(&body, BODY_MAX);
    (void)buf_putc(&body, '{');
    (void)buf_append(&body, pages->about.data, pages->about.len);
    if (token)
        add_text(&body, "nextToken", token);
    (void)buf_putc(&body, '}');
    if (pages->about.failed)
        body.failed = pages->about.failed;
    code = aws_sync_ask(pages->sync, pages->operation, &body, answer);
    buf_deinit(&body);
    return code;
}

static int
see_rows(struct pages *pages, const struct cJSON *answer)
{
    const cJSON *row;
    int code = 0;

    cJSON_ArrayForEach(row,
                       cJSON_GetObjectItemCaseSensitive(answer, pages->rows))
    {
        if (!code)
            code = pages->see(pages->owner, row);
    }
    return code;
}

/* Pages may be empty; the last one is without a token. */
static int
see_pages(struct pages *pages)
{
    const struct cJSON *answer;
    char *token = NULL;
    int code;

    do {
        const char *next;

        code = ask_page(pages, token, &answer);
        if (code)
            break;
        code = see_rows(pages, answer);
        next = json_get_string(answer, "nextToken");
        if (!code && next && token && !strcmp(next, token)) {
            fprintf(stderr, "clickspoolctl: CloudWatch repeats a page of %s\n",
                    pages->operation);
            code = CTL_UNREACHABLE;
        }
        free(token);
        token = next ? strdup(next) : NULL;
    } while (!code && token);
    free(token);
    buf_deinit(&pages->about);
    return code;
}

static struct pages
pages_of(struct aws_sync *sync, const char *operation, const char *rows)
{
    struct pages pages = {.sync = sync, .operation = operation, .rows = rows};

    buf_init(&pages.about, BODY_MAX);
    return pages;
}

/* A time that can be written, or 0. */
static int64_t
get_time(const struct cJSON *row, const char *name)
{
    uint64_t ms;

    return json_get_uint(row, name, &ms) && ms <= TIMEFMT_MOST_MS ? (int64_t)ms
                                                                  : 0;
}

struct group_search {
    const char *name;
    struct cwread_group *group;
    bool found;
};

static int
see_group(void *owner, const struct cJSON *row)
{
    struct group_search *search = owner;
    const char *name = json_get_string(row, "logGroupName");
    uint64_t number;

    if (!name || strcmp(name, search->name))
        return 0;
    search->found = true;
    search->group->created_ms = get_time(row, "creationTime");
    if (json_get_uint(row, "retentionInDays", &number))
        search->group->retention_days = (int64_t)number;
    if (json_get_uint(row, "storedBytes", &number))
        search->group->stored_bytes = number;
    return 0;
}

int
cwread_group(struct aws_sync *sync, const char *name,
             struct cwread_group *group)
{
    struct group_search search = {.name = name, .group = group};
    struct pages pages = pages_of(sync, "DescribeLogGroups", "logGroups");
    int code;

    *group = (struct cwread_group){0};
    add_text(&pages.about, "logGroupNamePrefix", name);
    pages.see = see_group;
    pages.owner = &search;
    code = see_pages(&pages);
    return !code && !search.found ? AWS_SYNC_MISSING : code;
}

struct stream_view {
    int (*see)(void *owner, const struct cwread_stream *stream);
    void *owner;
};

static int
see_stream(void *owner, const struct cJSON *row)
{
    const struct stream_view *view = owner;
    const char *name = json_get_string(row, "logStreamName");

    return view->see(view->owner,
                     &(struct cwread_stream){
                         .name = name ? name : "",
                         .created_ms = get_time(row, "creationTime"),
                         .first_ms = get_time(row, "firstEventTimestamp"),
                         .last_ms = get_time(row, "lastEventTimestamp"),
                         .ingested_ms = get_time(row, "lastIngestionTime"),
                     });
}

int
cwread_streams(struct aws_sync *sync, const char *group, const char *prefix,
               int (*see)(void *owner, const struct cwread_stream *stream),
               void *owner)
{
    struct stream_view view = {see, owner};
    struct pages pages = pages_of(sync, "DescribeLogStreams", "logStreams");

    add_text(&pages.about, "logGroupName", group);
    if (*prefix)
        add_text(&pages.about, "logStreamNamePrefix", prefix);
    pages.see = see_stream;
    pages.owner = &view;
    return see_pages(&pages);
}

struct event_view {
    int (*see)(void *owner, const struct cwread_event *event);
    void *owner;
};

static int
see_event(void *owner, const struct cJSON *row)
{
    const struct event_view *view = owner;
    const char *message = json_get_string(row, "message");
    const char *stream = json_get_string(row, "logStreamName");

    if (!message)
        return 0;
    return view->see(view->owner,
                     &(struct cwread_event){
                         .message = {message, strlen(message)},
                         .stream = stream ? stream : "",
                         .ts = get_time(row, "timestamp"),
                         .ingested_ms = get_time(row, "ingestionTime"),
                     });
}

int
cwread_events(struct aws_sync *sync, const struct cwread_range *range,
              int (*see)(void *owner, const struct cwread_event *event),
              void *owner)
{
    struct event_view view = {see, owner};
    struct pages pages = pages_of(sync, "FilterLogEvents", "events");

    add_text(&pages.about, "logGroupName", range->group);
    if (*range->prefix)
        add_text(&pages.about, "logStreamNamePrefix", range->prefix);
    if (range->pattern)
        add_text(&pages.about, "filterPattern", range->pattern);
    (void)buf_printf(&pages.about,
                     ",\"startTime\":%" PRId64 ",\"endTime\":%" PRId64,
                     range->start, range->end);
    pages.see = see_event;
    pages.owner = &view;
    return see_pages(&pages);
}

void
cwread_prefix(struct buf *out, const char *pattern)
{
    (void)buf_append(out, pattern, strcspn(pattern, "{"));
    (void)buf_putc(out, '\0');
}

const char *
cwread_event_id(struct slice message)
{
    const char *id = line_event_id(message.data, message.len);
    struct slice value;

    if (id)
        return id;
    /* Somebody else's, or written with other members in front. */
    if (!jsonscan_valid(message) ||
        !jsonscan_member(message, SLICE("eventId"), &value) ||
        value.len != LINE_ID_LEN + 2)
        return NULL;
    return value.data + 1;
}
