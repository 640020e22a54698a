#!/usr/bin/env bash
# Shows that scripts/quickstart.sh works on a machine that has nothing: makes a fresh Debian 12 tree, copies
# what git knows of this tree into it, and runs the quick start there. A missing install step fails here.
# Needs root and debootstrap; uses this machine's own package mirror.
#
#   scripts/ci-fresh-tree.sh [COMMAND ARGS...]     default: scripts/quickstart.sh
#
#   MESOS_CACHE   where downloaded packages are kept between runs (default: /var/cache/mesos-ci)
#
# All mounts are made in a mount namespace and all processes in a process namespace of its own, so nothing of
# it outlives the script.
set -euo pipefail

release=bookworm
if [ "${1:-}" != --inside ]; then
    source_tree=$(cd "$(dirname "$0")/.." && pwd)
    cache=${MESOS_CACHE:-/var/cache/mesos-ci}
    if [ "$(id -u)" != 0 ] || ! command -v debootstrap > /dev/null; then
        echo "ci-fresh-tree: needs root and debootstrap" >&2
        exit 1
    fi
    mkdir -p "$cache/base" "$cache/debs/partial"
    tree=$(mktemp -d "$cache/tree.XXXXXX")
    chmod 755 "$tree" # it becomes the root directory of tasks that run as nobody
    trap 'rm -rf --one-file-system "$tree"' EXIT
    trap 'exit 130' INT TERM
    unshare --mount --propagation private --pid --fork --kill-child \
        "$0" --inside "$source_tree" "$cache" "$tree" "$@" < /dev/null
    exit
fi

source_tree=$2 cache=$3 tree=$4
shift 4
started=$SECONDS
say() { echo "fresh tree: $* ($((SECONDS - started)) s)"; }

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release=$release '$2 == release && $3 == "main" {print $1; exit}')
if [ -z "$mirror" ]; then
    echo "ci-fresh-tree: apt on this machine knows no mirror of $release; run apt-get update" >&2
    exit 1
fi
if ! debootstrap --variant=minbase --cache-dir="$cache/base" $release "$tree" "$mirror" > "$cache/debootstrap.log" 2>&1; then
    tail -n 20 "$cache/debootstrap.log" >&2
    echo "ci-fresh-tree: debootstrap failed" >&2
    exit 1
fi
say "a base system is there"

# How this machine reaches its mirror, and nothing else of its configuration.
rm -f "$tree/etc/apt/sources.list"
for part in sources.list sources.list.d trusted.gpg.d keyrings; do
    [ ! -e "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$tree/etc/apt/"
done
cp -a /usr/share/keyrings/. "$tree/usr/share/keyrings/"
apt-config dump | grep -E '^Acquire::' | grep -vE '^Acquire::(IndexTargets|cdrom|Languages|Changelogs|CompressionTypes)' \
    > "$tree/etc/apt/apt.conf.d/90mirror"
{
    echo 'Acquire::Languages "none";'
    echo 'APT::Keep-Downloaded-Packages "true";'
} >> "$tree/etc/apt/apt.conf.d/90mirror"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/apt/mirror-ca.crt"
    echo 'Acquire::https::CAInfo "/etc/apt/mirror-ca.crt";' >> "$tree/etc/apt/apt.conf.d/90mirror"
fi
echo force-unsafe-io > "$tree/etc/dpkg/dpkg.cfg.d/tree-is-temporary"
for file in resolv.conf hosts hostname; do
    [ ! -e "/etc/$file" ] || cp -L "/etc/$file" "$tree/etc/$file"
done

mount --bind "$cache/debs" "$tree/var/cache/apt/archives"
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=1777 tmp "$tree/tmp"

mkdir "$tree/root/mesos"
(cd "$source_tree" && git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --null -T - -cf -) | tar -xf - -C "$tree/root/mesos"

if [ $# -eq 0 ]; then
    set -- scripts/quickstart.sh
fi
say "running $*"
status=0
chroot "$tree" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 CI=true /bin/bash -c 'cd /root/mesos && "$@"' fresh-tree "$@" || status=$?
say "ended with $status"
exit "$status"
