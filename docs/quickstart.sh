#!/bin/sh
# From a fresh Debian 12 or Ubuntu 24.04 to events in a local CloudWatch Logs:
# installs, builds, starts everything on 127.0.0.1, sends events and shows them
# arrive.  Then it stays up, until Ctrl-C, which leaves nothing behind.
#
#     sh docs/quickstart.sh            all of that
#     sh docs/quickstart.sh --check    does not stay up; exits 0 only if every
#                                      accepted event arrived exactly once
#
# CLICKSPOOL_BUILD names a folder that is built already.
set -eu

docs=$(cd "$(dirname "$0")" && pwd)
root=${docs%/docs}
venv=$root/build/quickstart-venv
build=${CLICKSPOOL_BUILD:-$root/build}
check=
case "$#:${1:-}" in
0:) ;;
1:--check) check=1 ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"
    [ "${1:-}" = --help ] && exit 0
    exit 64
    ;;
esac

# shellcheck source-path=SCRIPTDIR source=packages.sh
. "$docs/packages.sh"

scratch='' sockets=''
cloud='' ingest='' shipper='' # pids of what runs

running() { # PID
    kill -0 "$1" 2>/dev/null
}

stop() { # PID
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || return 0
    tenths=0
    while running "$1" && [ "$tenths" -lt 150 ]; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    kill -KILL "$1" 2>/dev/null || :
}

# shellcheck disable=SC2317 # the trap calls it
# However this ends: what it started is stopped, and its folder removed.
clean_up() {
    code=$?
    trap '' INT TERM HUP
    trap - EXIT
    [ -n "$scratch" ] || exit "$code"
    case $code in
    0 | 129 | 130 | 143) ;; # done, or told to end
    *)
        for log in "$scratch"/*.log; do
            [ -s "$log" ] || continue
            echo "--- ${log##*/}"
            tail -n 20 "$log"
        done >&2
        ;;
    esac
    stop "$ingest"
    stop "$shipper"
    stop "$cloud"
    rm -rf "$scratch" "$sockets"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Run with nothing of the caller's environment: no profile and no endpoint of
# a real AWS account, no setting of clickspool, no proxy.
alone() { # COMMAND...
    exec env -i PATH="$PATH" HOME="$scratch" LANG=C.UTF-8 \
        AWS_ACCESS_KEY_ID=quickstart AWS_SECRET_ACCESS_KEY=quickstart "$@"
}

# Whether a server answers before its process ends or 60 s have passed; it is
# our own once its log says that it has the port.
answers() { # PID URL LOG WORDS
    tenths=0
    while running "$1" && [ "$tenths" -lt 600 ]; do
        grep -q "$4" "$3" && curl --noproxy '*' -fso /dev/null "$2" && return
        sleep 0.1
        tenths=$((tenths + 1))
    done
    return 1
}

free_port() { # FIRST
    python3 "$docs/quickstart.py" port "$1"
}

# Somebody else may take a port between our look and our use of it: three tries.
start_cloud() {
    for _ in 1 2 3; do
        cloud_port=$(free_port 5000)
        cloud_url=http://127.0.0.1:$cloud_port
        alone "$venv/bin/moto_server" -H 127.0.0.1 -p "$cloud_port" \
            >"$scratch/cloudwatch.log" 2>&1 &
        cloud=$!
        answers "$cloud" "$cloud_url/moto-api/" "$scratch/cloudwatch.log" \
            'Running on' && return
        stop "$cloud"
    done
    return 1
}

write_config() {
    cat >"$config" <<END
[aws]
endpoint_url = $cloud_url
[spool]
dir = $scratch/spool
state_dir = $scratch/state
min_free = 64MiB
[listen]
public = 127.0.0.1:$port
admin = 127.0.0.1:$admin_port
internal = unix:$sockets/log.sock
[broker]
socket = $sockets/broker.sock
[secrets]
app_config =
END
}

start_ingest() {
    for _ in 1 2 3; do
        port=$(free_port 8080)
        admin_port=$(free_port 9180)
        write_config
        alone "$build/ingest/clickspool-ingest" --config "$config" \
            2>"$scratch/ingest.log" &
        ingest=$!
        answers "$ingest" "http://127.0.0.1:$port/healthz" \
            "$scratch/ingest.log" 'event=listening for=admin' && return
        stop "$ingest"
    done
    return 1
}

start_shipper() {
    alone "$build/shipper/clickspool-shipper" --config "$config" \
        2>"$scratch/shipper.log" &
    shipper=$!
    tenths=0
    until [ -s "$scratch/spool/shipper.status.json" ]; do
        running "$shipper" && [ "$tenths" -lt 600 ] || return 1
        sleep 0.1
        tenths=$((tenths + 1))
    done
}

quoted() { # PATH
    case $1 in
    *[!A-Za-z0-9_./-]*) printf "'%s'" "$1" ;;
    *) printf '%s' "$1" ;;
    esac
}

# Before anything is done: what, and how long.
packages="$(build_packages) python3-venv curl jq"
# shellcheck disable=SC2086 # words
missing=$(missing_packages $packages)
echo "clickspool, from source to events in a local CloudWatch Logs. This"
echo "  1. installs with apt:${missing:- nothing, all is there}"
echo "  2. builds in $build"
echo "  3. installs moto (a local CloudWatch Logs) and boto3 from PyPI in $venv"
echo "  4. starts moto, ingest and shipper on 127.0.0.1, sends events, reads them back"
echo "It takes about three minutes the first time, and ten seconds from then on."
echo

# shellcheck disable=SC2086 # words
need_packages $packages
if [ -z "${CLICKSPOOL_BUILD:-}" ]; then
    echo "Building."
    [ -f "$build/build.ninja" ] || meson setup "$build" "$root" >/dev/null
    meson compile -C "$build" >"$build/quickstart-build.log" ||
        { cat "$build/quickstart-build.log" >&2 && exit 70; }
fi
echo "Looking after moto and boto3."
need_venv "$venv" "$docs/quickstart-requirements.txt"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/clickspool-quickstart.XXXXXX")
# The path of a socket is at most 107 bytes long, whatever $TMPDIR is.
sockets=$(mktemp -d /tmp/clickspool.XXXXXX)
config=$scratch/clickspool.conf
mkdir "$scratch/spool"
echo "Starting in $scratch:"
start_cloud
echo "    CloudWatch Logs (moto)   $cloud_url"
start_ingest
echo "    clickspool-ingest        http://127.0.0.1:$port"
start_shipper
echo "    clickspool-shipper"
echo

echo "Sending:"
(alone "$venv/bin/python" "$docs/quickstart.py" send "$port" "$scratch/taken.json")
echo
echo "CloudWatch Logs holds, read back through boto3:"
(alone "$venv/bin/python" "$docs/quickstart.py" read "$cloud_url" "$scratch/taken.json")
echo
echo "clickspoolctl audit:"
(alone "$build/shipper/clickspoolctl" --config "$config" audit)
echo

if [ -n "$check" ]; then
    echo "Every accepted event arrived exactly once."
    exit 0
fi

there=$(quoted "$scratch")
ctl="$(quoted "$build/shipper/clickspoolctl") --config $there/clickspool.conf"
cat <<END
All of it stays up. In another terminal, try:

  an event of your own:
    curl -si http://127.0.0.1:$port/events -H 'Content-Type: application/json' -d '{"eventName":"page_view","clientId":"client-0001","sessionId":"session-01","urlPath":"/"}'
  the spool, as it grows:
    tail -qf $there/spool/0*.ndjson | jq .
  what the daemons say of it:
    $ctl status
    $ctl tail -f
    $ctl audit
  what CloudWatch Logs holds now:
    $(quoted "$venv/bin/python") $(quoted "$docs/quickstart.py") read $cloud_url
  the logs:
    $there/ingest.log $there/shipper.log $there/cloudwatch.log

Ctrl-C ends all of it and leaves nothing behind.
END

while running "$cloud" && running "$ingest" && running "$shipper"; do
    sleep 1
done
echo "One of them has ended by itself:" >&2
exit 70
