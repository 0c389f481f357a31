#!/bin/sh
# Builds clickspool_VERSION_ARCHITECTURE.deb from this source, with meson and
# dpkg-deb, and prints its name. The same source gives the same bytes.
#
#     sh packaging/build-deb.sh [--output FOLDER] [--version VERSION]
#
# FOLDER is build/ where nothing is said. SOURCE_DATE_EPOCH dates what is in
# it; without, the last commit does.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
output=$root/build version=
while [ $# -gt 0 ]; do
    case $1 in
    --output) output=$2 ;;
    --version) version=$2 ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"
        exit 64
        ;;
    esac
    shift 2
done

# shellcheck source-path=SCRIPTDIR source=../docs/packages.sh
. "$root/docs/packages.sh"
# shellcheck disable=SC2046 # words
need_packages $(build_packages) dpkg-dev >&2

: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
export DPKG_DEB_THREADS_MAX=1 # xz's blocks follow the number of threads
umask 022

build=$root/build/deb
[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$root" --prefix=/usr --sysconfdir=/etc \
        --libexecdir=lib -Ddebug=false -Doptimization=2 >&2
# What is installed, and not the tests; the units are there already.
meson introspect --installed "$build" | tr ',' '\n' |
    sed -n "s|.*\"$build/\([^\"]*\)\":.*|\1|p" | grep -v '^systemd/' |
    xargs ninja -C "$build" >&2

work=$(mktemp -d "${TMPDIR:-/tmp}/clickspool-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
stage=$work/stage
DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet --strip >&2

: "${version:=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$root/meson.build")}"
architecture=$(dpkg --print-architecture)
doc=$stage/usr/share/doc/clickspool

# What Debian wants to find in any package.
mkdir -p "$stage/DEBIAN" "$work/debian"
cp "$root/packaging/copyright" "$doc/copyright"
{
    echo "clickspool ($version) unstable; urgency=medium"
    printf '\n  * Release %s: /usr/share/doc/clickspool/CHANGES.md tells.\n' "$version"
    printf '\n -- %s  %s\n' "$(sed -n 's/^Maintainer: //p' "$root/packaging/control")" \
        "$(date -Rd "@$SOURCE_DATE_EPOCH")"
} >"$doc/changelog"
cp "$root/docs/CHANGELOG.md" "$doc/CHANGES.md"
gzip -9n "$doc/changelog"
find "$stage/usr/share/man" -type f -exec gzip -9n {} +

# dpkg-shlibdeps asks for a source package's file beside it.
printf 'Source: clickspool\n\nPackage: clickspool\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O \
    stage/usr/bin/* stage/usr/sbin/* | sed 's/^shlibs:Depends=//')

find "$stage" -type d -exec chmod 755 {} +
find "$stage/usr" "$stage/etc" -type f -exec chmod go-w {} +
size=$(cd "$stage" && find usr etc -type f -printf '%s\n' |
    awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
sed -e "s/@version@/$version/" -e "s/@architecture@/$architecture/" \
    -e "s/@size@/$size/" -e "s/@libraries@/$libraries/" \
    "$root/packaging/control" >"$stage/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 755 "$root/packaging/$script" "$stage/DEBIAN/$script"
done
echo /etc/clickspool/clickspool.conf >"$stage/DEBIAN/conffiles"
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) \
    >"$stage/DEBIAN/md5sums"

find "$stage" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$output"
deb=$output/clickspool_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$stage" "$deb" >&2
echo "$deb"
