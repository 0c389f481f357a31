#!/bin/sh
# Sets clickspool up on a Debian 12 or Ubuntu 24.04 server with systemd, such
# as a Lightsail instance: the package and its users, AWS keys that systemd
# keeps encrypted, log group and retention, and a first event, followed into
# CloudWatch Logs. Running it again changes what is said anew and nothing else.
#
#     sudo sh systemd/install.sh [OPTION]...
#
#     --deb FILE            this package, instead of one built from this source
#     --credentials FILE    shipper's AWS keys, in the form of ~/.aws/credentials
#     --uploads FILE        keys of their own for whoever signs uploads
#     --region REGION       of CloudWatch Logs
#     --log-group NAME      it is made where it is not there
#     --retention DAYS      of the group; 0 leaves it as it is
#     --set SECTION.KEY=VALUE   any other setting of clickspool.conf
#
# Without --credentials the keys are those of AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY, else those of an earlier run, else they are asked for.
set -eu
umask 022

root=$(cd "$(dirname "$0")/.." && pwd)
conf=/etc/clickspool/clickspool.conf
keys=/etc/clickspool/credentials.d
drop_in=/etc/systemd/system/clickspool-shipper.service.d/credentials.conf
deb='' credentials='' uploads='' settings=''

usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"
}

setting() { # SECTION.KEY=VALUE
    settings="$settings$1
"
}

while [ $# -gt 0 ]; do
    case $1:${2+given} in
    --deb:given) deb=$2 ;;
    --credentials:given) credentials=$2 ;;
    --uploads:given) uploads=$2 ;;
    --region:given) setting "aws.region=$2" ;;
    --log-group:given) setting "shipper.log_group=$2" ;;
    --retention:given) setting "shipper.retention_days=$2" ;;
    --set:given)
        case $2 in
        *.*=*) setting "$2" ;;
        *) echo "--set $2: give SECTION.KEY=VALUE" >&2 && exit 64 ;;
        esac
        ;;
    --help:*) usage && exit ;;
    *) usage >&2 && exit 64 ;;
    esac
    shift 2
done

for file in "$deb" "$credentials" "$uploads"; do
    [ -z "$file" ] || [ -r "$file" ] || { echo "$file cannot be read" >&2 && exit 66; }
done
[ "$(id -u)" = 0 ] || { echo "As root, please: sudo sh $0" >&2 && exit 77; }
[ -d /run/systemd/system ] || { echo "systemd does not run here." >&2 && exit 69; }

# shellcheck source-path=SCRIPTDIR source=../docs/packages.sh
. "$root/docs/packages.sh"

install_package() {
    need_packages curl
    [ -n "$deb" ] || deb=$(sh "$root/packaging/build-deb.sh")
    # apt takes a file for one where there is a slash in its name; _apt, which
    # it becomes, may not be able to read our folders.
    work=$(mktemp -d /tmp/clickspool-install.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    install -m 644 "$deb" "$work/clickspool.deb"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --reinstall \
        --allow-downgrades --no-install-recommends \
        -o Dpkg::Options::=--force-confold "$work/clickspool.deb" >/dev/null
    dpkg-query -W -f '${Package} ${Version} is installed.\n' clickspool
}

# One setting of the file: in its line where there is one, commented or not.
put_setting() { # SECTION KEY VALUE
    SECTION=$1 KEY=$2 VALUE=$3 awk '
        function put() { print ENVIRON["KEY"] " = " ENVIRON["VALUE"]; done = 1 }
        /^\[/ {
            if (here && !done) put()
            here = $0 == "[" ENVIRON["SECTION"] "]"
        }
        here && !done && $0 ~ "^;?" ENVIRON["KEY"] "[ \t]*=" { put(); next }
        { print }
        END {
            if (!done) {
                if (!here) print "[" ENVIRON["SECTION"] "]"
                put()
            }
        }' "$conf" >"$work/conf"
    cat "$work/conf" >"$conf"
}

put_settings() {
    cp "$conf" "$work/conf.before"
    printf '%s' "$settings" | while IFS= read -r line; do
        name=${line%%=*}
        put_setting "${name%%.*}" "${name#*.}" "${line#*=}"
    done
    if ! clickspool-ingest --check || ! clickspool-shipper --check; then
        cat "$work/conf.before" >"$conf"
        echo "$conf is as it was before." >&2
        exit 78
    fi
}

ask_for_keys() {
    trap 'stty echo; exit 130' INT TERM
    printf 'AWS access key id of shipper: ' >&2
    IFS= read -r id
    printf 'Its secret access key (not shown): ' >&2
    stty -echo
    IFS= read -r secret
    stty echo
    trap - INT TERM
    echo >&2
    print_keys "$id" "$secret"
}

print_keys() { # ID SECRET [TOKEN]
    printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$1" "$2"
    [ -z "${3:-}" ] || printf 'aws_session_token = %s\n' "$3"
}

# From stdin, under this machine's own key; no argument and no file of ours
# ever holds it in the clear.
keep() { # NAME
    mkdir -p "$keys"
    chmod 700 "$keys"
    systemd-creds encrypt --with-key=host --name="$1" - "$keys/$1.cred.new"
    mv "$keys/$1.cred.new" "$keys/$1.cred"
    echo "The keys \"$1\" are kept in $keys/$1.cred, encrypted."
}

keep_credentials() {
    if [ -n "$credentials" ]; then
        keep logs <"$credentials"
    elif [ -n "${AWS_ACCESS_KEY_ID:-}" ] && [ -n "${AWS_SECRET_ACCESS_KEY:-}" ]; then
        print_keys "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" \
            "${AWS_SESSION_TOKEN:-}" | keep logs
    elif [ ! -e "$keys/logs.cred" ] && [ ! -e "$keys/logs" ]; then
        [ -t 0 ] || { echo "There are no AWS keys: --credentials FILE" >&2 && exit 78; }
        ask_for_keys | keep logs
    fi
    [ -z "$uploads" ] || keep uploads <"$uploads"

    mkdir -p "${drop_in%/*}"
    {
        echo "[Service]"
        for name in logs uploads; do
            [ ! -e "$keys/$name.cred" ] ||
                echo "LoadCredentialEncrypted=$name:$keys/$name.cred"
        done
    } >"$drop_in"
}

start() {
    systemctl daemon-reload
    systemctl enable --quiet clickspool-ingest clickspool-shipper
    # Browsers wait meanwhile: the sockets stay.
    systemctl restart clickspool-ingest clickspool-shipper
}

counts() { # NAME
    clickspoolctl audit --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

done_with() {
    echo $(($(counts delivered) + $(counts dead) + $(counts dropped)))
}

# To the first public socket, wherever that is by now.
post_event() {
    port=$(systemctl show -P Listen clickspool-public.socket |
        sed -n 's/.*:\([0-9]*\) (Stream).*/\1/p' | head -n 1)
    scheme=http
    clickspool-ingest --print-config 2>/dev/null |
        grep -q '^certificate = [^ ]' && scheme=https
    curl -fsSk --noproxy '*' --max-time 30 -o /dev/null \
        -H 'Content-Type: application/json' "$scheme://127.0.0.1:$port/events" \
        -d '{"eventName":"page_view","clientId":"clickspool-install","sessionId":"clickspool-install","urlPath":"/clickspool-install"}'
}

first_event() {
    dead=$(counts dead)
    post_event || { echo "ingest does not take a page_view." >&2 && exit 1; }
    accepted=$(counts accepted)
    echo "ingest has taken a first event."

    seconds=0
    until [ "$(done_with)" -ge "$accepted" ]; do
        if [ "$seconds" -ge 90 ]; then
            clickspoolctl status
            echo "It has not arrived yet. shipper keeps it and goes on trying; why is" >&2
            echo "said above, and by: journalctl -u clickspool-shipper" >&2
            exit 75
        fi
        sleep 1
        seconds=$((seconds + 1))
    done
    [ "$(counts dead)" -eq "$dead" ] ||
        { echo "CloudWatch Logs refuses entries: clickspoolctl dead ls" >&2 && exit 1; }
    echo "CloudWatch Logs has it."
}

# With shipper's keys and its environment, as a service of the moment.
doctor() {
    clickspoolctl --help | grep -q '^  doctor ' || return 0
    set -- --property=EnvironmentFile=-/etc/default/clickspool-shipper
    [ ! -e "$keys/logs.cred" ] ||
        set -- "$@" "--property=LoadCredentialEncrypted=logs:$keys/logs.cred"
    timeout 90 systemd-run --quiet --pipe --wait --collect "$@" \
        clickspoolctl doctor </dev/null ||
        echo "doctor has something to say: see above."
}

install_package
put_settings
keep_credentials
start
first_event
doctor
