# shellcheck shell=sh
# Sourced by the scripts that a newcomer runs: Debian packages by name, and
# Python's and Node's in folders of the project's own.  Nothing is skipped: what
# cannot be had ends the script.

as_root() { # COMMAND...
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "There is no sudo. As root, run: $*" >&2
        return 69
    fi
}

is_installed() { # PACKAGE
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Where the distribution packages llhttp as a library, that is taken.
llhttp_package() {
    for package in libllhttp-dev node-llhttp; do
        is_installed "$package" && echo "$package" && return
    done
    if ! apt-cache show zlib1g-dev >/dev/null 2>&1; then
        echo "apt has no package lists yet: fetching them." >&2
        as_root apt-get update -qq
    fi
    if apt-cache show libllhttp-dev >/dev/null 2>&1; then
        echo libllhttp-dev
    else
        echo node-llhttp
    fi
}

# What it takes to build, on stdout.
build_packages() {
    llhttp=$(llhttp_package)
    echo gcc libc6-dev meson ninja-build pkgconf libuv1-dev libcjson-dev \
        libcurl4-openssl-dev libssl-dev zlib1g-dev "$llhttp"
}

missing_packages() { # PACKAGE...
    for package in "$@"; do
        is_installed "$package" || printf ' %s' "$package"
    done
}

need_packages() { # PACKAGE...
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return

    echo "Installing with apt:$missing"
    as_root apt-get update -qq
    # No service is started by its package.
    # shellcheck disable=SC2086 # words
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# What REQUIREMENTS pins, in a Python of its own; one script at a time.
need_venv() { # FOLDER REQUIREMENTS
    mkdir -p "$1"
    # shellcheck disable=SC2094 # the folder is the lock
    (
        flock 9
        cmp -s "$2" "$1/installed.txt" && exit
        [ -x "$1/bin/pip" ] || python3 -m venv "$1"
        "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
        cp "$2" "$1/installed.txt"
    ) 9<"$1"
}

# What FOLDER's lockfile pins, in its node_modules; one script at a time.
need_node_modules() { # FOLDER
    folder=$1
    # shellcheck disable=SC2094 # the folder is the lock
    (
        flock 9
        cd "$folder" || exit
        cmp -s package-lock.json node_modules/.installed && exit
        npm ci --silent --ignore-scripts --no-audit --no-fund
        cp package-lock.json node_modules/.installed
    ) 9<"$folder"
}
