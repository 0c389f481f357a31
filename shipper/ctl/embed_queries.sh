#!/bin/sh
# Writes C for insights_queries.h to stdout: each FILE, whose name ends in
# .query and whose first line is "# what it shows", as a string.
set -eu

cat <<'C'
#include "shipper/ctl/insights_queries.h"

const struct insights_query insights_queries[] = {
C
for file in "$@"; do
    about=$(sed -n '1s/^# //p' "$file")
    if [ -z "$about" ]; then
        echo "$file: the first line has to be a comment" >&2
        exit 1
    fi
    printf '    {"%s",\n' "$(basename "$file" .query)"
    printf '%s\n' "$about" | sed 's/[\\"]/\\&/g; s/^/     "/; s/$/",/'
    sed 's/[\\"]/\\&/g; s/^/     "/; s/$/\\n"/' "$file"
    echo '    },'
done
cat <<'C'
};

const size_t insights_query_count =
    sizeof(insights_queries) / sizeof(*insights_queries);
C
