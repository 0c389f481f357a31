#pragma once

#include <stdint.h>

struct aws_sync;
struct cJSON;

/*
 * A query of CloudWatch Logs Insights, from its start to its last row.  What a
 * signal ends is stopped at the service too, as it would run on and cost.
 */
struct query_wish {
    const char *group;
    const char *text;
    int64_t since_s; /* seconds since 1970; both ends belong to it */
    int64_t until_s;
    unsigned limit; /* of rows */
};

struct query_result {
    struct cJSON *rows; /* an array of objects of texts */
    uint64_t records_matched;
    uint64_t bytes_scanned;
};

/**
 * query_run(): query_result_deinit() is due in any case.
 *
 * Return: 0, AWS_SYNC_MISSING where there is no such group, or an exit code,
 * told; aws_sync_interrupted() says whether a signal was the reason.
 */
int query_run(struct aws_sync *sync, const struct query_wish *wish,
              struct query_result *result);
void query_result_deinit(struct query_result *result);
