#!/bin/sh
# Measures ingest beside an nginx that only says 204, and shipper beside the
# zlib and SHA-256 that it cannot do without, and what guards cost (TLS, tokens,
# strangers, slow clients), and shipper with much that waits beside little:
# ratios within one run, on one machine, which should have nothing else to do.
# Prints a table and writes build/bench.json; takes about ten minutes, and 5 GB
# of the disk.  A figure is never a test.
#
#     sh tests/bench/run.sh [--rounds N] [--seconds S] [--events N] [--backlog MIB]
set -eu

cd "$(dirname "$0")/../.."
root=$PWD

# shellcheck source-path=SCRIPTDIR source=../../docs/packages.sh disable=SC1091
. "$root/docs/packages.sh"
# shellcheck disable=SC2046 # words
need_packages $(build_packages) python3-venv nginx-light wrk
need_venv build/venv tests/requirements.txt

# The options of the default build, whatever build/ was set up with.
[ -f build/bench/build.ninja ] || meson setup build/bench >/dev/null
meson compile -C build/bench >build/bench/compile.log ||
    { cat build/bench/compile.log >&2 && exit 70; }

case $(stat -f -c %T build/bench) in
tmpfs | ramfs)
    echo "build/ is in memory: there a sync costs nothing. Move it to a disk." >&2
    exit 75
    ;;
esac
PYTHONPATH=tests/integration exec build/venv/bin/python tests/bench/bench.py \
    "$root/build/bench" "$@"
