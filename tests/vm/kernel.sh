#!/usr/bin/env bash
# Finds Debian's kernel for the virtual machine, fetching the package when it is not in the cache yet. Only
# the kernel and a few modules are kept; nothing is installed. Prints the directory that holds `vmlinuz`
# and `modules/`, whose names say in which order they are loaded. Exit status 77: this machine cannot have one.
#
#   MESOS_CACHE   where it is kept (default: /var/cache/mesos-ci for root, else ~/.cache/mesos-ci)
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
    cache=${MESOS_CACHE:-/var/cache/mesos-ci}
else
    cache=${MESOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesos-ci}
fi
kernel=$cache/kernel
# A disk, a file system on it, and overlay; each after what it needs.
modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk
    crc16 crc32c_generic libcrc32c mbcache jbd2 ext4 overlay)

if [ -e "$kernel/vmlinuz" ] && [ -d "$kernel/modules" ]; then
    echo "$kernel"
    exit 0
fi
if [ "$(dpkg --print-architecture 2> /dev/null)" != amd64 ]; then
    echo "SKIPPED: the virtual machine boots Debian's amd64 kernel, and this is another machine" >&2
    exit 77
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT
newest() { apt-cache depends linux-image-amd64 2> /dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1; }
fetch() { (cd "$work" && apt-get -q download "$(newest)" < /dev/null > log 2>&1); }

# The lists may name a package that the mirror has replaced since, so a failure is tried again with new ones.
if [ -z "$(newest)" ] || ! fetch; then
    apt-get -q update < /dev/null > "$work/log" 2>&1 || true
    if ! fetch; then
        tail -n 5 "$work/log" >&2
        echo "kernel.sh: cannot download Debian's kernel package" >&2
        exit 1
    fi
fi
wanted=()
for module in "${modules[@]}"; do wanted+=("*/$module.ko"); done
dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb |
    tar -x -C "$work" --wildcards './boot/vmlinuz-*' "${wanted[@]}"
mkdir -p "$work/kernel/modules"
mv "$work"/boot/vmlinuz-* "$work/kernel/vmlinuz"
for i in "${!modules[@]}"; do
    mv "$(find "$work/lib" -name "${modules[$i]}.ko")" "$work/kernel/modules/$(printf '%02d' "$i")-${modules[$i]}.ko"
done
rm -rf "$kernel"
mv -T "$work/kernel" "$kernel"
echo "$kernel"
