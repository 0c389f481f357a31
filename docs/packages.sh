# Sourced by the scripts that a newcomer runs: Debian packages by name, and a
# Python environment of the project's own.  Nothing is skipped: what cannot be
# had ends the script.

need_packages() { # PACKAGE...
    missing=
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -z "$missing" ] && return

    echo "Installing with apt:$missing"
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    # No service is started by its package.
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

need_venv() { # FOLDER REQUIREMENTS
    if ! cmp -s "$2" "$1/installed.txt"; then
        [ -x "$1/bin/python" ] || python3 -m venv "$1"
        "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
        cp "$2" "$1/installed.txt"
    fi
}
