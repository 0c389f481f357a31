#!/bin/sh
# Boots a systemd in a container of its own: its root is an overlay of FOLDER
# LOWER whose changes are kept in memory and are gone at its end. To be run in
# a mount namespace of its own, as machine.py does.
#
#     boot.sh FOLDER LOWER NAME
set -eu
folder=$1 lower=$2 name=$3

# A place of its own in the hierarchies that systemd uses, so that two of
# these do not meet.
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -e "$tree/cgroup.procs" ] || continue
    mkdir "$tree/$name"
    echo $$ >"$tree/$name/cgroup.procs"
done

mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay "$folder/root" \
    -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work"
exec systemd-nspawn --quiet --boot --private-network --register=no --keep-unit \
    --directory="$folder/root" --machine="$name" --console=pipe \
    --link-journal=no systemd.unit=basic.target
