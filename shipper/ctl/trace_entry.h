#pragma once

#include "common/line.h"
#include "common/slice.h"
#include "common/spool.h"
#include "shipper/ctl/fate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sighting;

/*
 * What `trace` tells of one entry.
 */
enum { TRACE_TEXT_SIZE = 256 };

struct trace_entry {
    struct spool_position position; /* set by the caller, as ... */
    enum fate_kind fate;
    struct letter_why why; /* ... these are */

    int64_t ts;
    char event_id[LINE_ID_LEN + 1];
    unsigned matched; /* bits: which of its fields is the id */
    /* JSON strings as they stand in the entry; "" where there is none. */
    char category[TRACE_TEXT_SIZE];
    char event[TRACE_TEXT_SIZE];
    char action[TRACE_TEXT_SIZE];
};

/** trace_entry_read(): Return: whether a good line is an entry that carries
 * @id. */
bool trace_entry_read(struct trace_entry *entry, const char *line, size_t len,
                      struct slice id);

/** trace_entry_print(): a line for people, or of JSON; @sighting is NULL where
 * CloudWatch was not asked. */
void trace_entry_print(const struct trace_entry *entry,
                       const struct sighting *sighting, bool json);
