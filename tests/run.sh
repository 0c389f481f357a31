#!/bin/sh
# Installs what the tests need, builds, and runs every one of them: unit and
# integration tests against the real daemons, the units under a systemd of
# their own (as root; said otherwise), then the first ones again with
# AddressSanitizer and UndefinedBehaviorSanitizer.
#
#     sh tests/run.sh            all of it, in about ten minutes
#     sh tests/run.sh --long     the torture tests at full count
#     sh tests/run.sh --fast     the first build only
#     sh tests/run.sh --without-browsers
#
# The browsers are Debian's chromium and firefox-esr; where there are none as
# packages, $CHROMIUM and $FIREFOX name others.
# Fails where something it needs is missing; nothing is skipped for that.
set -eu

cd "$(dirname "$0")/.."
root=$PWD
long='' fast='' browsers=1
for arg in "$@"; do
    case $arg in
    --long) long=1 ;;
    --fast) fast=1 ;;
    --without-browsers) browsers='' ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"
        exit 64
        ;;
    esac
done

# shellcheck source-path=SCRIPTDIR source=../docs/packages.sh
. "$root/docs/packages.sh"
# shellcheck disable=SC2046 # words
need_packages $(build_packages) python3-venv nginx-light wrk strace faketime time curl jq
command -v npm >/dev/null || need_packages nodejs npm
need_venv build/venv tests/requirements.txt

need_browser() { # PROGRAM PACKAGE VARIABLE
    command -v "$1" >/dev/null && return
    if grep -q '^ID=ubuntu' /etc/os-release; then
        echo "Ubuntu has no package of $2: name one in $3, or say --without-browsers." >&2
        exit 69
    fi
    need_packages "$2"
}
if [ -n "$browsers" ]; then
    need_browser "${CHROMIUM:-chromium}" chromium CHROMIUM
    need_browser "${FIREFOX:-firefox-esr}" firefox-esr FIREFOX
fi

build() { # FOLDER [OPTION...]
    folder=$1
    shift
    [ -f "$folder/build.ninja" ] || meson setup "$folder" --werror "$@"
    meson compile -C "$folder"
}

# Tests wait more than they work: two for each processor, side by side.
workers=$(($(nproc) * 2))

check() { # FOLDER MARKS
    meson test -C "$1" --no-rebuild --print-errorlogs --suite unit
    CLICKSPOOL_BUILD=$root/$1 CLICKSPOOL_LONG=$long \
        build/venv/bin/python -m pytest -c tests/pytest.ini -n "$workers" \
        --dist loadgroup -m "$2" tests/integration
}

# The installed thing, in machines of its own, which take root to make.
check_system() {
    [ "$(id -u)" = 0 ] && need_packages systemd-container mmdebstrap \
        lintian devscripts dpkg-dev
    build/venv/bin/python -m pytest -c tests/pytest.ini tests/system
}

build build
if [ -n "$browsers" ]; then check build ''; else check build 'not browser'; fi
check_system
[ -n "$fast" ] && exit 0

# Leaks are found at exit; what is not a report must still end with 0.
build build-asan -Db_sanitize=address,undefined -Db_lundef=false
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
check build-asan 'not browser' # what browsers do, they have shown
