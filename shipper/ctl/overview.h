#pragma once

#include "shipper/ctl/door.h"
#include "shipper/ctl/ends.h"
#include "shipper/ctl/letters.h"
#include "shipper/ctl/pulse.h"
#include "shipper/ctl/shipped.h"

#include <stddef.h>
#include <stdint.h>

struct ctl;

/** What `status` shows: one look at all the files. */
struct overview {
    int64_t now_ms;
    int ingest_lives; /* 1, 0, or a negative errno where nobody may ask */
    int shipper_lives;
    struct shipped shipped;
    struct pulse pulse;
    struct letters letters;

    uint64_t segments; /* that hold something */
    uint64_t bytes;
    uint64_t unshipped_bytes;
    int64_t oldest_unshipped; /* its time of receipt; 0: there is none */
    uint64_t free_bytes;      /* of the disk */
    uint64_t free_least;      /* below it ingest answers 503 */

    struct door door; /* from overview_ask() on */
    struct ends ends;
};

/** overview_read(): Return: 0, or an exit code, told. */
int overview_read(struct overview *overview, const struct ctl *ctl);

/** overview_ask(): ask ingest too, which takes it a moment, where it may be
 * running; and look at what runs out. */
void overview_ask(struct overview *overview, const struct ctl *ctl);
void overview_deinit(struct overview *overview);

/** overview_print(): one screen for people; or one line of JSON. */
void overview_print(const struct overview *overview, const struct ctl *ctl);
void overview_print_json(const struct overview *overview,
                         const struct ctl *ctl);
