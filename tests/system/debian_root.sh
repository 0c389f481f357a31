#!/bin/sh
# A fresh root of this machine's own release, from its own apt sources, with a
# systemd and PACKAGEs; FOLDER is made once and kept.
#
#     debian_root.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
[ -d "$folder" ] && exit

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
sources=$(grep -lE 'debian\.org|ubuntu\.com' /etc/apt/sources.list \
    /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || :)
include=$(echo "$*" | tr ' ' ,)
rm -rf "$folder.new"
# shellcheck disable=SC2086 # words
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
    --include="systemd-sysv,$include" \
    "$release" "$folder.new" $sources
rm -f "$folder.new/etc/resolv.conf"
mv "$folder.new" "$folder"
