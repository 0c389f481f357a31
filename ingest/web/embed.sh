#!/bin/sh
# Writes C for tracker_bytes.h to stdout: FILE as it is and as gzip makes it,
# and a tag that changes with every byte of it.
set -eu

file=$1
for program in gzip od sha256sum; do
    command -v "$program" >/dev/null || {
        echo "$program is needed to embed $file, and is not there" >&2
        exit 1
    }
done

as_c() { # NAME, bytes on stdin
    printf 'const unsigned char %s[] = {\n' "$1"
    od -An -v -tu1 | sed 's/  */,/g; s/^,//; s/$/,/'
    printf '};\nconst size_t %s_len = sizeof(%s);\n\n' "$1" "$1"
}

printf '#include "ingest/tracker_bytes.h"\n\n'
as_c tracker_plain <"$file"
gzip -9n <"$file" | as_c tracker_gzip
printf 'const char tracker_tag[] = "%.16s";\n' "$(sha256sum <"$file")"
