#pragma once

#include <stddef.h>

/* The files of docs/insights, as they were when this was built. */
struct insights_query {
    const char *name;
    const char *about; /* what its first line says */
    const char *text;  /* the whole file */
};

extern const struct insights_query insights_queries[];
extern const size_t insights_query_count;
