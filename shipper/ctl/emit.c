#include "shipper/ctl/emit.h"

#include "common/line.h"
#include "common/line_reader.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>

static void
emit_item(struct emit *emit, const struct line_item *item)
{
    if (!item->bytes) {
        emit->bad_runs++;
        return;
    }
    if (line_is_control(item->bytes, item->len) ||
        !filter_wants(emit->filter, item->bytes, item->len))
        return;
    if (emit->skip)
        emit->skip--;
    else
        (void)fwrite(item->bytes, 1, item->len, stdout);
}

int
emit_lines(struct emit *emit, struct line_reader *reader)
{
    struct line_item item;
    int r;

    while ((r = line_reader_next(reader, &item)) > 0) {
        emit_item(emit, &item);
        if (emit->progress)
            progress_add(emit->progress, item.len);
        if (ferror(stdout))
            return 0; /* main() tells */
    }
    return r;
}

void
emit_end(const struct emit *emit)
{
    if (emit->bad_runs)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " run%s of bad bytes passed over; "
                "clickspoolctl verify names them\n",
                emit->bad_runs, emit->bad_runs == 1 ? "" : "s");
}
