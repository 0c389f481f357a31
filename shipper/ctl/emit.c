#include "shipper/ctl/emit.h"

#include "common/line.h"
#include "common/line_reader.h"
#include "shipper/ctl/filter.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>

void
emit_entry(struct emit *emit, const char *line, size_t len)
{
    if (line_is_control(line, len) || !filter_wants(emit->filter, line, len))
        return;
    if (emit->skip)
        emit->skip--;
    else if (emit->json && !jsonscan_valid((struct slice){line, len}))
        emit->bad_json++;
    else
        (void)fwrite(line, 1, len, stdout);
}

int
emit_lines(struct emit *emit, struct line_reader *reader)
{
    struct line_item item;
    int r;

    while ((r = line_reader_next(reader, &item)) > 0) {
        if (item.bytes)
            emit_entry(emit, item.bytes, (size_t)item.len);
        else
            emit->bad_runs++;
        if (emit->progress)
            progress_add(emit->progress, item.len);
        if (ferror(stdout))
            return 0; /* main() tells */
    }
    return r;
}

void
emit_end(struct emit *emit)
{
    if (emit->bad_runs)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " run%s of bad bytes passed over; "
                "clickspoolctl verify names them\n",
                emit->bad_runs, emit->bad_runs == 1 ? "" : "s");
    if (emit->bad_json)
        fprintf(stderr,
                "clickspoolctl: %" PRIu64 " line%s passed over that %s no "
                "JSON; clickspoolctl verify names them\n",
                emit->bad_json, emit->bad_json == 1 ? "" : "s",
                emit->bad_json == 1 ? "is" : "are");
    emit->bad_runs = emit->bad_json = 0;
}
