/*
 * Packing: each limit to the byte, and messages that JSON gives back as they
 * were.
 */
#include "shipper/batch.h"

#include "common/json.h"
#include "common/line.h"
#include "tests/check.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static char line[LINE_LEN_MAX];

static int
add(struct batch *batch, size_t len, int64_t ts)
{
    memset(line, 'a', len);
    return batch_add(batch, (struct slice){line, len}, ts,
                     (struct spool_position){1, 2},
                     (struct spool_position){1, 3});
}

static struct batch *
new_batch(void)
{
    struct batch *batch;

    CHECK(!batch_new(&batch, "/g", "s"));
    return batch;
}

static void
ten_thousand_events_are_full_and_one_more_does_not_fit(void)
{
    struct batch *batch = new_batch();

    for (int i = 0; i < BATCH_EVENTS_MAX; i++) {
        CHECK(!batch_is_full(batch));
        CHECK(!add(batch, 50, 1000));
    }
    CHECK(batch_is_full(batch));
    CHECK(add(batch, 50, 1000) == BATCH_FULL);
    CHECK(batch->count == BATCH_EVENTS_MAX);
    batch_free(batch);
}

static void
a_mebibyte_counts_26_bytes_an_event_and_not_one_less(void)
{
    struct batch *batch = new_batch();
    size_t left;

    for (int i = 0; i < 4; i++)
        CHECK(!add(batch, 262000, 1000));
    left = 1048576 - 4 * (262000 + 26);
    CHECK(add(batch, left - 26 + 1, 1000) == BATCH_FULL);
    CHECK(!add(batch, left - 26, 1000));
    CHECK(batch->bytes == 1048576 && batch_is_full(batch));
    batch_free(batch);
}

static void
a_batch_spans_24_hours_and_never_a_fall_of_time(void)
{
    const int64_t day = 24 * 3600 * 1000;
    struct batch *batch = new_batch();

    CHECK(!add(batch, 50, 5000));
    CHECK(add(batch, 50, 4999) == BATCH_FULL);
    CHECK(add(batch, 50, 5000 + day + 1) == BATCH_FULL);
    CHECK(!add(batch, 50, 5000 + day));
    CHECK(add(batch, 50, 5000) == BATCH_FULL);
    batch_clear(batch);
    CHECK(!add(batch, 50, 4000));
    batch_free(batch);
}

static void
the_largest_line_fits_an_empty_batch(void)
{
    struct batch *batch = new_batch();

    CHECK(!add(batch, LINE_LEN_MAX - 1, 0));
    batch_free(batch);
}

/* Every byte and every place of it within the eight that are looked at. */
static void
a_message_comes_out_of_the_json_as_it_went_in(void)
{
    for (int c = 1; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            struct batch *batch = new_batch();
            struct slice text = {line, 20};
            const cJSON *events, *event;
            cJSON *tree;

            memset(line, 'x', 20);
            line[at] = (char)c;
            line[19 - at] = '"';
            CHECK(!batch_add(batch, text, 1767323045000,
                             (struct spool_position){1, 2},
                             (struct spool_position){1, 3}));
            CHECK(!batch_finish(batch, "token"));
            tree = json_parse(batch->body.data, batch->body.len);
            CHECK(tree);
            CHECK(!strcmp(json_get_string(tree, "logGroupName"), "/g"));
            CHECK(!strcmp(json_get_string(tree, "logStreamName"), "s"));
            CHECK(!strcmp(json_get_string(tree, "sequenceToken"), "token"));
            events = cJSON_GetObjectItemCaseSensitive(tree, "logEvents");
            CHECK(cJSON_GetArraySize(events) == 1);
            event = cJSON_GetArrayItem(events, 0);
            CHECK(strlen(json_get_string(event, "message")) == 20);
            CHECK(!memcmp(json_get_string(event, "message"), line, 20));
            cJSON_Delete(tree);
            batch_free(batch);
        }
    }
}

static void
a_finished_body_takes_another_token_or_more_events(void)
{
    struct batch *batch = new_batch();

    CHECK(!add(batch, 50, 1));
    CHECK(!batch_finish(batch, "one"));
    CHECK(!batch_finish(batch, NULL));
    CHECK(!memmem(batch->body.data, batch->body.len, "sequenceToken", 13));
    CHECK(!add(batch, 50, 2));
    CHECK(!batch_finish(batch, "two"));
    CHECK(!memmem(batch->body.data, batch->body.len, "one", 3));
    CHECK(batch->count == 2);
    batch_free(batch);
}

int
main(void)
{
    ten_thousand_events_are_full_and_one_more_does_not_fit();
    a_mebibyte_counts_26_bytes_an_event_and_not_one_less();
    a_batch_spans_24_hours_and_never_a_fall_of_time();
    the_largest_line_fits_an_empty_batch();
    a_message_comes_out_of_the_json_as_it_went_in();
    a_finished_body_takes_another_token_or_more_events();
    return 0;
}
