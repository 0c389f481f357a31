#!/bin/sh
# Writes C for ops_files.h to stdout: for each PATH TYPE FILE... the files, one
# behind the other, as what is served at that path.  A `--` stands between two.
set -eu

names=''
number=0

# PATH TYPE FILE...
embed() {
    path=$1 type=$2
    shift 2
    number=$((number + 1))
    echo "static const unsigned char file_${number}[] = {"
    cat "$@" | od -An -v -tu1 | sed 's/ *\([0-9][0-9]*\)/\1,/g'
    echo '};'
    names="$names    {\"$path\", \"$type\", file_$number, sizeof(file_$number)},
"
}

echo '#include "ingest/ops_files.h"'
while [ $# -gt 0 ]; do
    path=$1 type=$2 files=''
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        files="$files $1"
        shift
    done
    [ $# -eq 0 ] || shift
    # shellcheck disable=SC2086 # words
    embed "$path" "$type" $files
done
cat <<C
const struct ops_file ops_files[] = {
$names};

const size_t ops_file_count = sizeof(ops_files) / sizeof(*ops_files);
C
