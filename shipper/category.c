#include "shipper/category.h"

#include <stdbool.h>
#include <string.h>

#define NAME "\"logCategory\":\""

enum { NAME_LEN = sizeof(NAME) - 1 };

/* Up to the quote; a category has no escapes. */
static struct slice
value_at(struct slice line, size_t at)
{
    const char *from = line.data + at;
    const char *end = memchr(from, '"', line.len - at);

    return (struct slice){from, end ? (size_t)(end - from) : 0};
}

/* Of a member of the entry itself: names within strings cannot look like this,
 * as their quotes are escaped, but those of inner objects can. */
static struct slice
first_at_top(struct slice line)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < line.len; i++) {
        char c = line.data[i];

        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            if (!in_string && depth == 1 && line.len - i > NAME_LEN &&
                !memcmp(line.data + i, NAME, NAME_LEN))
                return value_at(line, i + NAME_LEN);
            in_string = !in_string;
        } else if (!in_string) {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    return (struct slice){NULL, 0};
}

/* ingest writes it behind what the browser sent, so it is sought from the
 * end; where a bracket closes behind it, it may be an inner object's. */
struct slice
category_of(struct slice line)
{
    if (line.len <= NAME_LEN)
        return (struct slice){NULL, 0};
    for (size_t i = line.len - 1; i-- > 0;) {
        char c = line.data[i];

        if (c == '}' || c == ']')
            return first_at_top(line);
        if (c == '"' && line.len - i > NAME_LEN &&
            !memcmp(line.data + i, NAME, NAME_LEN))
            return value_at(line, i + NAME_LEN);
    }
    return (struct slice){NULL, 0};
}
