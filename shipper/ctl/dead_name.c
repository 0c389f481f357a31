#include "shipper/ctl/dead_name.h"

#include "common/line.h"
#include "shipper/ctl/jsonscan.h"
#include "shipper/ctl/letter_index.h"
#include "shipper/ctl/letter_reader.h"
#include "shipper/ctl/place.h"

#include <string.h>
#include <strings.h>

bool
dead_name_ok(const char *name)
{
    struct spool_position place;

    return place_parse(name, &place) || strlen(name) == LINE_ID_LEN;
}

bool
dead_name_is(const char *name, const struct letter *letter,
             const struct letter_line *line)
{
    struct spool_position place;
    struct slice id;

    if (place_parse(name, &place))
        return !spool_position_compare(place, letter->position);
    return line->kind == LETTER_LINE_ENTRY &&
           jsonscan_member(line->entry, SLICE("eventId"), &id) &&
           id.len == LINE_ID_LEN + 2 &&
           !strncasecmp(id.data + 1, name, LINE_ID_LEN);
}
