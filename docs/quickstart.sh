#!/bin/sh
# From a fresh Debian 12 or Ubuntu 24.04 to a shop whose clicks are in a local
# CloudWatch Logs: installs, builds, starts everything on 127.0.0.1, sends
# events, walks through the shop in a browser, and shows what arrived.  Then it
# stays up, until Ctrl-C, which leaves nothing behind.
#
#     sh docs/quickstart.sh            all of that
#     sh docs/quickstart.sh --check    does not stay up; exits 0 only if every
#                                      accepted event arrived exactly once, and
#                                      the uploaded picture is there
#     ... --without-browsers           the shop is there, but nobody walks
#
# The browser is Debian's chromium, or the one that $CHROMIUM names, as Ubuntu
# has no package of it.  CLICKSPOOL_BUILD names a folder that is built already,
# CLICKSPOOL_SCREENSHOTS one for pictures of the walk, CLICKSPOOL_AXE a script
# of axe-core that judges them.
set -eu

docs=$(cd "$(dirname "$0")" && pwd)
root=${docs%/docs}
demo=$docs/demo
venv=$root/build/quickstart-venv
build=${CLICKSPOOL_BUILD:-$root/build}
chromium=${CHROMIUM:-chromium}
check=''
for arg in "$@"; do
    case $arg in
    --check) check=1 ;;
    --without-browsers) chromium='' ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"
        [ "$arg" = --help ] && exit 0
        exit 64
        ;;
    esac
done

# shellcheck source-path=SCRIPTDIR source=packages.sh
. "$docs/packages.sh"

scratch='' sockets=''
cloud='' shop='' ingest='' shipper='' walker='' # pids of what runs

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
    stop "$walker"
    stop "$shop"
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

quickstart() { # COMMAND ARGUMENTS..., of quickstart.py
    (alone "$venv/bin/python" -B "$docs/quickstart.py" "$@")
}

of_shop() { # COMMAND ARGUMENTS..., of quickstart_shop.py
    (alone "$venv/bin/python" -B "$docs/quickstart_shop.py" "$@")
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

# Until a command succeeds: false if the process ends or 60 s pass before.
comes() { # PID COMMAND...
    pid=$1
    shift
    tenths=0
    until "$@"; do
        running "$pid" && [ "$tenths" -lt 600 ] || return 1
        sleep 0.1
        tenths=$((tenths + 1))
    done
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

# Takes port 5173 or the next free one by itself; what it has to know comes
# later, in shop.json.
start_shop() {
    alone node "$demo/server.mjs" "$scratch/site" "$scratch/shop.json" \
        >"$scratch/shop.log" 2>&1 &
    shop=$!
    comes "$shop" grep -qs '^listening' "$scratch/shop.log"
    shop_port=$(sed -n 's/^listening on .*://p' "$scratch/shop.log")
    shop_url=http://127.0.0.1:$shop_port
}

# The names of what the shop has in AWS: pool_id, app_id, bucket.
prepare_cloud() {
    origins="$shop_url http://localhost:$shop_port"
    of_shop prepare "$cloud_url" "$origins" >"$scratch/names"
    pool_id=$(sed -n 's/^pool_id=//p' "$scratch/names")
    app_id=$(sed -n 's/^app_id=//p' "$scratch/names")
    bucket=$(sed -n 's/^bucket=//p' "$scratch/names")
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
[cors]
origins = $origins
[auth]
user_pool_id = $pool_id
client_ids = $app_id
jwks_url = $cloud_url/$pool_id/.well-known/jwks.json
[uploads]
public_base_url = $cloud_url/$bucket
[secrets]
app_config = APP_CONFIG
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
    comes "$shipper" [ -s "$scratch/spool/shipper.status.json" ]
}

quoted() { # PATH
    case $1 in
    *[!A-Za-z0-9_./-]*) printf "'%s'" "$1" ;;
    *) printf '%s' "$1" ;;
    esac
}

# As a guest, a customer and staff: with a browser, or just the upload.
walk() {
    if [ -n "$chromium" ]; then
        # Chromium keeps a socket in its temporary folder.
        alone TMPDIR="$sockets" CHROMIUM="$(command -v "$chromium")" \
            CLICKSPOOL_SCREENSHOTS="${CLICKSPOOL_SCREENSHOTS:-}" \
            CLICKSPOOL_AXE="${CLICKSPOOL_AXE:-}" \
            node "$demo/walk.mjs" "$shop_url" "$scratch/walked.json" "$scratch" \
            "$ops_url" &
        walker=$!
        wait "$walker"
        walker=''
    else
        of_shop upload "$cloud_url" "$ingest_url" "$app_id" "$scratch/walked.json"
        echo "    one picture; nobody clicks, as there is to be no browser"
    fi
}

# Before anything is done: what, and how long.
packages="$(build_packages) python3-venv curl jq"
command -v npm >/dev/null || packages="$packages nodejs npm"
[ "$chromium" != chromium ] || packages="$packages chromium"
# shellcheck disable=SC2086 # words
missing=$(missing_packages $packages)
echo "clickspool, from source to a shop whose clicks are in CloudWatch Logs. This"
echo "  1. installs with apt:${missing:- nothing, all is there}"
echo "  2. builds in $build"
echo "  3. installs moto (a local AWS) and boto3 from PyPI in $venv,"
echo "     React and Vite from npm in $demo/node_modules"
echo "  4. starts moto, ingest, shipper and a shop on 127.0.0.1, sends events,"
echo "     walks through the shop in a browser, reads all of it back"
echo "It takes about five minutes the first time, and half of one from then on."
echo

# shellcheck disable=SC2086 # words
need_packages $packages
[ -z "$chromium" ] || command -v "$chromium" >/dev/null || {
    echo "There is no $chromium: name one with CHROMIUM=, or say --without-browsers." >&2
    exit 69
}
if [ -z "${CLICKSPOOL_BUILD:-}" ]; then
    echo "Building."
    [ -f "$build/build.ninja" ] || meson setup "$build" "$root" >/dev/null
    meson compile -C "$build" >"$build/quickstart-build.log" ||
        { cat "$build/quickstart-build.log" >&2 && exit 70; }
fi
echo "Looking after moto and boto3, React and Vite."
need_venv "$venv" "$docs/quickstart-requirements.txt"
need_node_modules "$demo"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/clickspool-quickstart.XXXXXX")
# The path of a socket is at most 107 bytes long, whatever $TMPDIR is.
sockets=$(mktemp -d /tmp/clickspool.XXXXXX)
config=$scratch/clickspool.conf
mkdir "$scratch/spool"
(cd "$demo" && alone node node_modules/vite/bin/vite.js build \
    --logLevel error --outDir "$scratch/site")
echo "Starting in $scratch:"
start_cloud
echo "    AWS (moto)               $cloud_url"
start_shop
echo "    the shop                 $shop_url"
prepare_cloud
start_ingest
ingest_url=http://127.0.0.1:$port ops_url=http://127.0.0.1:$admin_port/
echo "    clickspool-ingest        $ingest_url"
start_shipper
echo "    clickspool-shipper"
of_shop settings "$cloud_url" "$ingest_url" "$sockets/log.sock" "$pool_id" "$app_id" \
    >"$scratch/shop.json.new"
mv "$scratch/shop.json.new" "$scratch/shop.json"
echo

echo "Sending:"
quickstart send "$port" "$scratch/taken.json"
echo
echo "Walking through the shop:"
walk
echo "  All of it arrived:"
of_shop check "$cloud_url" "$scratch/walked.json"
echo
echo "CloudWatch Logs holds, read back through boto3:"
quickstart read "$cloud_url" "$scratch/taken.json" "$scratch/walked.json"
echo
echo "clickspoolctl audit:"
(alone "$build/shipper/clickspoolctl" --config "$config" audit)
echo

if [ -n "$check" ]; then
    echo "Every accepted event arrived exactly once, and the picture is there."
    exit 0
fi

there=$(quoted "$scratch")
ctl="$(quoted "$build/shipper/clickspoolctl") --config $there/clickspool.conf"
cat <<END
All of it stays up. Open in a browser:

  the shop, whose clicks go to $ingest_url:
    $shop_url/
  the ops page, where they are seen as they come:
    $ops_url

In another terminal, try:

  an event of your own:
    curl -si $ingest_url/events -H 'Content-Type: application/json' -d '{"eventName":"page_view","clientId":"client-0001","sessionId":"session-01","urlPath":"/"}'
  the spool, as it grows:
    tail -qf $there/spool/0*.ndjson | jq .
  what the daemons say of it:
    $ctl status
    $ctl tail -f
    $ctl audit
  what CloudWatch Logs holds now:
    $(quoted "$venv/bin/python") $(quoted "$docs/quickstart.py") read $cloud_url
  the logs:
    $there/ingest.log $there/shipper.log $there/shop.log $there/cloudwatch.log

Ctrl-C ends all of it and leaves nothing behind.
END

while running "$cloud" && running "$shop" && running "$ingest" &&
    running "$shipper"; do
    sleep 1
done
echo "One of them has ended by itself:" >&2
exit 70
